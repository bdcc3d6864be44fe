// The example in docs/scripts.md is a script that can be played.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FaultKind } from '../../../agents/scripted/script.ts';
import { publishedSha } from '../../support/agents/host.ts';
import { playSession } from '../../support/agents/script.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/scripts.md'), 'utf8');
const example = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '';

describe('the documented script', () => {
  it('makes the Builder publish and claim', async () => {
    const { result, host } = await playSession(example, { opening: 'Woken: work: …\n\n- M1: unclaimed' });
    expect(result).toMatchObject({ end: 'waited', why: 'waits: M1 is claimed', published: publishedSha });
    expect(host.submitted).toMatchObject([{ kind: 'claim', facts: { gate: 'M1', sha: publishedSha } }]);
  });

  it('makes the Builder take another branch if the claim is refused', async () => {
    const { result } = await playSession(example, {
      opening: 'Woken: work: …\n\n- M1: unclaimed',
      host: { refuse: () => 'this claim is refused' },
    });
    expect(result.why).toBe('waits: the claim was refused');
  });

  it('makes the Builder hand off the head that the projection names', async () => {
    const opening = `Woken: work: …\nBranch: phase/demo is at ${publishedSha}; the base is x.\n- M1: holds · covers 2.1`;
    const { host } = await playSession(example, { opening });
    expect(host.submitted).toMatchObject([{ kind: 'claim', facts: { gate: 'DONE', sha: publishedSha } }]);
  });

  it('makes the Adversary look, then give a PASS', async () => {
    const { host } = await playSession(example, {
      role: 'adversary',
      opening: 'Woken: judge: claim #38 of M1 is green and awaits your verdict.',
    });
    expect(host.submitted).toMatchObject([
      { kind: 'verdict', facts: { claim: 38, verdict: 'PASS', checks: [{ cites: [{ call: 1 }] }] } },
    ]);
  });

  it('is accompanied by the names of all kinds of fault', () => {
    for (const kind of FaultKind.options) expect(text).toContain(`\`${kind}\``);
  });
});
