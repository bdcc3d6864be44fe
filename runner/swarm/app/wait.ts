import { setTimeout as pause } from 'node:timers/promises';

/** Rejects with the signal's own reason; node's own pause has only an AbortError. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
