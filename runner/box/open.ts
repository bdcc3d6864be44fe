// Opens the sandbox, or says why it must not be used: it fails closed.

import { type BubblewrapOptions, bubblewrap } from './bubblewrap.ts';
import type { Sandbox, SelfTest } from './sandbox.ts';

export type Opened = { sandbox: Sandbox; selfTest: SelfTest } | { sandbox: null; selfTest: SelfTest; mend: string[] };

/** A bubblewrap sandbox whose every check held; otherwise none, the report, and what to do about it, line by line. */
export async function openSandbox(options: BubblewrapOptions): Promise<Opened> {
  const made = await bubblewrap(options);
  if ('missing' in made) return { sandbox: null, selfTest: made.selfTest, mend: made.missing };
  const selfTest = await made.sandbox.selfTest();
  if (selfTest.held) return { sandbox: made.sandbox, selfTest };
  await made.sandbox.close();
  return { sandbox: null, selfTest, mend: mendingOf(selfTest) };
}

export function mendingOf(report: SelfTest): string[] {
  const failed = report.checks.filter((check) => !check.held);
  const lines = failed.map((check) => `not held: ${check.name} (${check.saw}) as ${check.role}`);
  if (failed.some((check) => check.name === 'the box starts')) lines.push(...cannotStart);
  else lines.push('this kernel or this bubblewrap lets something out: use another machine, or a newer bubblewrap');
  return lines;
}

export const cannotStart = [
  'bubblewrap needs user namespaces; in a container start it with --security-opt seccomp=unconfined (Docker) or on the host',
  'Ubuntu 24.04 and later: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  'older Debian: sudo sysctl kernel.unprivileged_userns_clone=1',
];
