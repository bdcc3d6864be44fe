// A host of tools for sessions under test: a real folder with a real shell in it, and a trail that is a list. Accepts
// every submission unless an option rejects it.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Submission, ToolHost, ToolReply } from '../../../agents/tools/host.ts';
import type { Sha } from '../../../state/entry/ids.ts';

export type TestHost = ToolHost & {
  dir: string;
  submitted: Submission[];
  trials: { sha: string | null; recipe: string | null }[];
};

export type HostOptions = {
  /** Returns why a submission is rejected; null accepts it. */
  refuse?: (submission: Submission) => string | null;
  /** The number of the first accepted entry. */
  firstId?: number;
};

export const publishedSha = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00' as Sha;

/** A host over the folder `dir`. */
export function testHost(dir: string, options: HostOptions = {}): TestHost {
  const submitted: Submission[] = [];
  const trials: TestHost['trials'] = [];
  return {
    dir,
    submitted,
    trials,
    shell: (command, seconds, signal) => run(dir, command, seconds, signal),
    async read(path, { from, lines }) {
      const all = readFileSync(join(dir, path), 'utf8').split('\n');
      return done(all.slice(from - 1, from - 1 + lines).join('\n'));
    },
    async edit(path, { find, text }) {
      const file = join(dir, path);
      const before = find === null ? '' : readFileSync(file, 'utf8');
      if (find !== null && before.split(find).length !== 2)
        return { ok: false, text: `${path} does not hold that once` };
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, find === null ? text : before.replace(find, text));
      return done(`${path} is written`);
    },
    trail: async (query) => done(`looked up ${JSON.stringify(query)}`),
    diff: async (part) => ({ ...done(`part ${part}`), data: [{ what: 'diff', text: `+line ${part}` }], parts: [part] }),
    log: async (wanted) => done(`log ${JSON.stringify(wanted)}`),
    publish: async () => ({ ok: true, text: `published ${publishedSha}`, published: publishedSha }),
    async trial(trial) {
      trials.push(trial);
      return done('r-0123456789ab PASS');
    },
    async submit(submission) {
      const why = options.refuse?.(submission) ?? null;
      if (why !== null) return { ok: false, text: why };
      submitted.push(submission);
      return done(`#${(options.firstId ?? 1) + submitted.length - 1} is on the trail`);
    },
  };
}

function run(cwd: string, command: string, seconds: number, signal: AbortSignal): Promise<ToolReply> {
  return new Promise((resolve, reject) => {
    // Its own process group, so that everything the shell started ends with it.
    const shell = spawn('sh', ['-c', command], { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => process.kill(-(shell.pid as number), 'SIGKILL');
    const timer = setTimeout(end, seconds * 1000);
    let output = '';
    for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk) => (output += chunk));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    shell.on('close', (code) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason);
      else resolve(done(`exit ${code ?? 'by signal'}\n${output}`));
    });
  });
}

function done(text: string): ToolReply {
  return { ok: true, text };
}
