// The last check of a run before it is torn down: did its secrets leak anywhere? Searches everything on the engine that
// has the run's label, the run's backups, and the texts that the caller passes. Logs vanish with their containers, so
// the search is also needed before a drill stops services.

import type Dockerode from 'dockerode';
import type { RunId } from '../../../state/entry/ids.ts';
import { RunnerError } from '../../box/errors.ts';
import type { Vault } from '../app/app.ts';
import { engineFault } from '../engine/fault.ts';
import { plantControl } from './control.ts';
import { type Hit, type LeakSearch, leakSearch } from './search.ts';
import { type LeakPlace, leakSources } from './sources.ts';

export type LeakAsk = {
  docker: Dockerode;
  run: RunId;
  /** The secrets, by the names that results use for them. */
  secrets: ReadonlyMap<string, string>;
  /** Other output of the run, by description: `the report of install`. */
  texts: Readonly<Record<string, Uint8Array | string>>;
  vault: Vault | null;
  signal: AbortSignal;
};

/**
 * `leaks`: "secret db_password in the log of service app, base64". `unread`: what could not be searched completely, and
 * why. If both are empty, no secret leaked. Neither contains the value of a secret.
 */
export type Leaks = { leaks: string[]; unread: string[] };

const placeBytesMax = 1024 ** 3;
const linesMax = 50;
/** The control's name. It has a space, which no key of a compose file has. */
const controlKey = 'the control';
const controlWhere = 'the control text';
const configsWhere = 'the configs of the run';

/** Rejects with RunnerError if the search misses its own control. */
export async function findLeaks({ docker, run, secrets, texts, vault, signal }: LeakAsk): Promise<Leaks> {
  const control = await plantControl(docker, run, signal);
  try {
    const search = leakSearch(new Map([...secrets, [controlKey, control.value]]));
    const places: LeakPlace[] = [
      ...(await leakSources(docker, run, signal)),
      ...Object.entries({ ...texts, [controlWhere]: control.text }).map(([where, text]) => ({
        where,
        read: () => [Buffer.from(text)],
      })),
      ...(vault === null ? [] : [{ where: 'the backups', read: () => vault.dump() }]),
    ];
    const looks: Look[] = [];
    for (const place of places) looks.push(await look(search, place, signal));
    const hits = looks.flatMap(({ where, hits }) => hits.map((hit) => ({ ...hit, where })));
    assertFound(hits, control.encodings);
    const short = search.tooShort.map((secret) => `secret ${secret}: too short, a match could be chance`);
    const leaks = hits.filter(({ secret }) => secret !== controlKey);
    return {
      leaks: few(leaks.map(({ secret, where, encoding }) => `secret ${secret} in ${where}, ${encoding}`)),
      unread: few([...short, ...looks.flatMap(({ where, cut }) => (cut === null ? [] : [`${where}: ${cut}`]))]),
    };
  } finally {
    await control.remove();
  }
}

type Look = { where: string; hits: Hit[]; cut: string | null };

async function look(search: LeakSearch, { where, read }: LeakPlace, signal: AbortSignal): Promise<Look> {
  let bytes = 0;
  async function* bounded(): AsyncGenerator<Uint8Array> {
    for await (const chunk of read()) {
      signal.throwIfAborted();
      bytes += chunk.length;
      if (bytes > placeBytesMax) return;
      yield chunk;
    }
  }
  try {
    const { hits, cut } = await search.search(bounded());
    return { where, hits, cut: bytes > placeBytesMax ? `more than ${placeBytesMax} bytes` : cut };
  } catch (error) {
    signal.throwIfAborted();
    // A fault in the app's volumes does not mean that the search failed.
    if (error instanceof RunnerError && error.code === 'volume') return { where, hits: [], cut: error.message };
    throw engineFault(`read ${where} for the leak search`, error);
  }
}

/** Throws RunnerError if the control was missed in one of its encodings, or on the engine. */
export function assertFound(hits: (Hit & { where: string })[], encodings: readonly string[]): void {
  const controlHits = hits.filter(({ secret }) => secret === controlKey);
  const missed = encodings.filter(
    (encoding) => !controlHits.some((hit) => hit.where === controlWhere && hit.encoding === encoding),
  );
  if (!controlHits.some(({ where }) => where === configsWhere)) missed.push('on the engine');
  if (missed.length > 0)
    throw new RunnerError('engine', `the leak search missed the control that it planted: ${missed.join(', ')}`);
}

/** Each line once, in order; past `linesMax`, only the number of lines left out. */
function few(lines: string[]): string[] {
  const each = [...new Set(lines)];
  return each.length <= linesMax ? each : [...each.slice(0, linesMax), `and ${each.length - linesMax} more`];
}
