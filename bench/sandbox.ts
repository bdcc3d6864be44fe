// Measures the cost of starting a box: runs `echo`, plain and boxed in turn, and times each from the call to the first
// byte of output, and from the call to the end of the last process. The goal is a difference of 15 ms between the
// median start times.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { openSandbox } from '../runner/box/open.ts';
import type { Sandbox } from '../runner/box/sandbox.ts';

const rounds = 40;
const limits = { memoryMb: 512, processes: 64, diskMb: 64, seconds: 10 };

export type SandboxBench = {
  plainMs: number;
  boxedMs: number;
  differenceMs: number;
  /** The difference between the median times from the call to the end, including teardown. */
  wholeDifferenceMs: number;
};

/** Medians of `rounds`; null if no sandbox can be opened here. */
export async function benchSandbox(): Promise<SandboxBench | null> {
  const stateDir = realpathSync(mkdtempSync(join(tmpdir(), 'coldpass-bench-')));
  const { sandbox } = await openSandbox({ stateDir });
  try {
    return sandbox === null ? null : await measure(sandbox);
  } finally {
    await sandbox?.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function measure(sandbox: Sandbox): Promise<SandboxBench> {
  const [plain, boxed]: [Times[], Times[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    plain.push(await spawnPlain());
    boxed.push(await startBoxed(sandbox));
  }
  const [plainMs, boxedMs] = [plain, boxed].map((times) => median(times.map((one) => one.byteMs))) as [number, number];
  const [plainEnd, boxedEnd] = [plain, boxed].map((times) => median(times.map((one) => one.endMs))) as [number, number];
  return { plainMs, boxedMs, differenceMs: boxedMs - plainMs, wholeDifferenceMs: boxedEnd - plainEnd };
}

type Times = { byteMs: number; endMs: number };

async function timed(stdout: Readable, ended: Promise<unknown>, startedAtMs: number): Promise<Times> {
  await once(stdout, 'data');
  const byteMs = performance.now() - startedAtMs;
  await ended;
  return { byteMs, endMs: performance.now() - startedAtMs };
}

function spawnPlain(): Promise<Times> {
  const startedAtMs = performance.now();
  const child = spawn('echo', ['x'], { env: {} });
  return timed(child.stdout, once(child, 'close'), startedAtMs);
}

async function startBoxed(sandbox: Sandbox): Promise<Times> {
  const startedAtMs = performance.now();
  const argv = ['echo', 'x'];
  const place = { workdir: '/tmp', mounts: [], env: {}, tools: [], hosts: [] };
  const command = { role: 'verify' as const, argv, ...place, limits };
  const boxed = await sandbox.start(command, new AbortController().signal);
  boxed.stdin.end();
  boxed.stderr.resume();
  return timed(boxed.stdout, boxed.done, startedAtMs);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

if (import.meta.main) console.log(await benchSandbox());
