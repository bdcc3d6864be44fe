// Looks up in a repository the commits that a plain trail cites. A missing commit is no evidence, and neither is a
// commit whose subject names another gate, as in `review(M2): PASS`.

import { isSameCommit } from './repeats.ts';
import type { Flag, KnownCommit, PlainGate, PlainTrail, Where } from './report.ts';
/** The cited commits by their spelling in the text; null for one that the repository does not have. */
export type KnownCommits = ReadonlyMap<string, KnownCommit | null>;

/** Adds what the repository knows about the cited commits, and adds flags for those that are no evidence. */
export function withRepository(trail: PlainTrail, known: KnownCommits): PlainTrail {
  const commits = trail.commits.map((one) => ({ ...one, known: known.get(one.commit) ?? null }));
  const find = (commit: string) => commits.find((one) => isSameCommit(one.commit, commit))?.known;
  const flags = trail.gates.flatMap((gate) =>
    citedBy(gate).flatMap((cited) => problemOf(gate, cited, find(cited.commit))),
  );
  return { ...trail, commits, flags: [...trail.flags, ...flags] };
}

type Cited = { commit: string; by: string; isVerdict: boolean; where: Where[] };

function citedBy({ claims, verdicts }: PlainGate): Cited[] {
  return [
    ...verdicts.flatMap(({ cites, verdict, retracted, where }) =>
      retracted ? [] : cites.map((commit) => ({ commit, by: verdict, isVerdict: true, where })),
    ),
    ...claims.flatMap(({ evidence, where }) =>
      evidence.commits.map((commit) => ({ commit, by: 'claim', isVerdict: false, where })),
    ),
  ];
}

function problemOf(
  { id }: PlainGate,
  { commit, by, isVerdict, where }: Cited,
  known: KnownCommit | null | undefined,
): Flag[] {
  const at = where.slice(0, 1);
  if (known == null) {
    const what = `the ${by} of ${id} cites ${commit}, which is not a commit in the repository`;
    return [{ kind: 'evidence-nowhere', ids: [id], what, where: at }];
  }
  const about = /^(?:claim|review)\(([^)]+)\)/.exec(known.subject)?.[1];
  if (!isVerdict || about === undefined || about.split(/[\s,+]+/).includes(id)) return [];
  const what = `the ${by} of ${id} cites ${commit}, whose subject is "${known.subject}"`;
  return [{ kind: 'evidence-elsewhere', ids: [id, about], what, where: at }];
}
