// `coldpass watch`: the status, then each new entry that matters; on a terminal also what is running and for how long.
// Looks whenever heads.log or the folder of runs changes: the supervisor writes both.

import { watch as watchPath } from 'node:fs';
import { basename } from 'node:path';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import { type Exit, exits } from '../terminal/errors.ts';
import { entryLine, matters } from '../terminal/lines.ts';
import type { Screen } from '../terminal/print.ts';
import type { Here } from '../workspace/place.ts';
import { sayStatus } from './sayStatus.ts';
import { type StatusReport, statusReport } from './status.ts';

export type WatchOptions = { place: Here; nowMs(): number; signal: AbortSignal; out: Screen; json: boolean };

/** Resolves when the signal aborts. Rejects with TrailError if the hub or the trail cannot be read. */
export async function watch(options: WatchOptions): Promise<{ exit: Exit }> {
  const { place, signal, out, json } = options;
  const changes = changesOf(place, signal);
  const first = await look(options, null);
  if (json) out.json(first.report);
  else sayStatus(first.report, out);
  let seen = first.entries;
  for (;;) {
    const next = await look(options, seen);
    seen = next.entries;
    if (signal.aborted) return { exit: exits.yes };
    out.running(json ? [] : doingOf(next.report));
    await changes.next();
  }
}

/** Reads the trail, shows the entries after entry `since` (none if null), and returns the status. */
function look(options: WatchOptions, since: number | null): Promise<{ entries: number; report: StatusReport }> {
  const { place, nowMs } = options;
  return withTrail(place.paths.hub, async (trail) => {
    if (since !== null) show(trail, since, options);
    return { entries: trail.entries.length, report: await statusReport(trail, place, nowMs()) };
  });
}

function show({ entries }: Trail, since: number, { out, json }: WatchOptions): void {
  for (const entry of entries.slice(since)) {
    if (json) out.json(entry);
    else if (matters(entry)) out.line(entryLine(entry, out.paint));
  }
}

function doingOf({ phases }: StatusReport) {
  return phases.flatMap(({ doing }) => doing.map(({ what, sinceMs }) => ({ what, startedAtMs: sinceMs })));
}

/** `next` resolves once something has changed since it last resolved, or once the signal aborts. */
function changesOf({ paths }: Here, signal: AbortSignal): { next(): Promise<void> } {
  let waiter = Promise.withResolvers<void>();
  const ring = () => waiter.resolve();
  // Watches the folder, because heads.log does not exist before the first append.
  const heads = watchPath(paths.stateDir, (_, name) => (name === basename(paths.headsLog) ? ring() : undefined));
  const watchers = [heads, watchPath(paths.runs, ring)];
  for (const watcher of watchers) watcher.on('error', ring);
  signal.addEventListener('abort', () => {
    for (const watcher of watchers) watcher.close();
    ring();
  });
  return {
    next: async () => {
      await waiter.promise;
      if (!signal.aborted) waiter = Promise.withResolvers();
    },
  };
}
