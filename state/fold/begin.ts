// The initial state of what entries add to the fold: claims, findings, requests. Pure; `fold.ts` changes it afterwards.

import type { EntryOf } from '../entry/entry.ts';
import type { AgentRole, Sha } from '../entry/ids.ts';
import type { Blocked, Claim, Finding, Sabotage, Writing } from '../entry/phase.ts';
import { fitLine } from '../entry/words.ts';

const wordsCharsMax = 600;

export function claimOf(entry: EntryOf<'claim'>): Claim {
  const { gate, shas, trees, descends, precedes, references, keeps, functions = {}, expects, touches } = entry.facts;
  return {
    id: entry.id,
    gate,
    sha: shas.main as Sha,
    tree: trees.main as Sha,
    atMs: Date.parse(entry.at),
    descends,
    precedes,
    references,
    keeps,
    functions,
    expects,
    touches,
    verdicts: [],
    withdrawn: null,
  };
}

export function sabotageOf({ id, facts }: EntryOf<'sabotage'>): Sabotage {
  const { claim, gate, edits } = facts;
  return { id, claim, gate, edits };
}

export function findingOf(entry: EntryOf<'finding'>): Finding {
  const { gate, claim, title, fix, reproducer } = entry.facts;
  const words = beginning(entry.body);
  return { id: entry.id, gate, claim, title, words, fix, reproducer: reproducer ?? null, closed: null };
}

/** The beginning of an entry's text, on one line, which the operator sees when deciding. */
function beginning(body: string): string {
  return fitLine(body, wordsCharsMax);
}

export function blockedOf(entry: EntryOf<'blocked'>): Blocked {
  const { action, verify, blocks, options, disputes } = entry.facts;
  return {
    id: entry.id,
    action,
    verify,
    blocks,
    options,
    disputes: disputes ?? null,
    words: beginning(entry.body),
    advice: null,
    closed: null,
    answer: null,
  };
}

export function thingOf(entry: EntryOf<'note' | 'item' | 'journal' | 'decision'>): Writing {
  return { id: entry.id, kind: entry.kind, by: entry.role as AgentRole, title: entry.facts.title, closed: null };
}
