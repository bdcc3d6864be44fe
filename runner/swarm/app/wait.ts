import { setTimeout as pause } from 'node:timers/promises';

/** Waits. On abort, rejects with the signal's reason; Node's timer would reject with a general AbortError instead. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
