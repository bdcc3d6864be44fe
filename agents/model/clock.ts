// Time and chance, passed in so that a test can run an hour in a second and repeat a retry exactly.

import { setTimeout as startTimer } from 'node:timers';

export interface Clock {
  /** Milliseconds since 1970, UTC. */
  nowMs(): number;
  /** Calls `fire` once after `ms`, unless the returned function is called first. Never rejects, never fires twice. */
  after(ms: number, fire: () => void): () => void;
  /** From 0 to below 1; used for jitter only. */
  random(): number;
}

/** The machine's clock. Its timers keep the process alive. */
export function systemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    after(ms, fire) {
      const timer = startTimer(fire, ms);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
  };
}

/** Resolves after `ms`, or at once when the signal aborts. Never rejects: check the signal afterwards. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done);
  });
}
