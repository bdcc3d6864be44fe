// Opens the sandbox only if its self-test passes; otherwise says why it must not be used.

import { type BubblewrapOptions, bubblewrap } from './bubblewrap.ts';
import type { Sandbox, SelfTest } from './sandbox.ts';

export type OpenResult =
  | { sandbox: Sandbox; selfTest: SelfTest }
  | { sandbox: null; selfTest: SelfTest; mend: string[] };

/** Opens a bubblewrap sandbox if every check passes; otherwise returns null, the report, and what to do about it. */
export async function openSandbox(options: BubblewrapOptions): Promise<OpenResult> {
  const result = await bubblewrap(options);
  if ('missing' in result) return { sandbox: null, selfTest: result.selfTest, mend: result.missing };
  const selfTest = await result.sandbox.selfTest();
  if (selfTest.held) return { sandbox: result.sandbox, selfTest };
  await result.sandbox.close();
  return { sandbox: null, selfTest, mend: remediesFor(selfTest) };
}

function remediesFor(report: SelfTest): string[] {
  const failed = report.checks.filter((check) => !check.held);
  const lines = failed.map((check) => `check failed for ${check.role}: "${check.name}" (${check.saw})`);
  if (failed.some((check) => check.name === 'the box starts')) lines.push(...cannotStart);
  else lines.push('this kernel or bubblewrap does not contain its boxes: use a newer bubblewrap or another machine');
  return lines;
}

const cannotStart = [
  'bubblewrap needs user namespaces: run the container with --security-opt seccomp=unconfined (Docker), or run on the host',
  'Ubuntu 24.04 and later: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  'older Debian: sudo sysctl kernel.unprivileged_userns_clone=1',
];
