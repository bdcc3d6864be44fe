// Trails that earlier versions wrote: the demo's, an honest story's, and two random ones. Each fixture is a bundle of
// the hub, with what fold, audit and explain returned in the version that wrote the trail. If you change a rule, these
// tests show whether sound trails stay sound.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ExplainReport, explain } from '../../../operator/show/explain.ts';
import type { Here } from '../../../operator/workspace/place.ts';
import { type AuditReport, audit } from '../../../state/audit/audit.ts';
import type { TrailState } from '../../../state/entry/phase.ts';
import { withTrail } from '../../../state/trail/read.ts';
import { git } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';

const versions = join(import.meta.dirname, '..', '..', 'fixtures', 'trails');
const trails = readdirSync(versions).flatMap((version) =>
  readdirSync(join(versions, version))
    .filter((name) => name.endsWith('.bundle'))
    .map((name) => ({ version, name: basename(name, '.bundle') })),
);

/** Fields of a stored phase that have since been renamed: from the old name to the new one. */
const renamed: Record<string, string> = {
  asked: 'actToAnswer',
  bar: 'barChanged',
  progress: 'lastProgress',
  things: 'writings',
};

/** `explained` has a report per phase and gate; `heads` is the text of heads.log. */
type Before = {
  root: string;
  nowMs: number;
  heads: string;
  audit: AuditReport;
  explained: Record<string, ExplainReport>;
  state: TrailState;
};

describe.each(trails)('the trail $name of version $version', ({ version, name }) => {
  const from = join(versions, version, name);
  const before: Before = JSON.parse(readFileSync(`${from}.json`, 'utf8'));

  function laid(): { hub: string; headsLog: string } {
    const dir = tempDir();
    const [hub, headsLog] = [join(dir, 'hub.git'), join(dir, 'heads.log')];
    git(dir, ['clone', '--quiet', '--mirror', `${from}.bundle`, hub]);
    git(hub, ['config', 'coldpass.hub', '1']);
    writeFileSync(headsLog, before.heads);
    return { hub, headsLog };
  }

  it('folds to the same state as before', async () => {
    const state = await withTrail(laid().hub, (trail) => trail.state);
    expect(asJson(state)).toEqual({ ...before.state, phases: withNewNames(before.state.phases) });
  });

  it('has the same audit result as before', async () => {
    expect(asJson(await audit({ ...laid(), root: before.root }))).toEqual(before.audit);
  });

  it('has the same conditions, evidence and gate results as before', async () => {
    const here = { paths: laid() } as unknown as Here;
    for (const [at, report] of Object.entries(before.explained)) {
      const [phase = '', gate = ''] = at.split(' ');
      expect(proof(await explain(here, gate, phase, before.nowMs))).toEqual(proof(report));
    }
  });
});

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Leaves out the words for the state of each entry, since their wording may change. */
function proof(report: ExplainReport): unknown {
  const conditions = report.conditions.map(({ evidence, ...condition }) => ({
    ...condition,
    evidence: evidence.map(({ id, place, entry }) => ({ id, place, entry })),
  }));
  return asJson({ ...report, conditions });
}

function withNewNames(phases: TrailState['phases']): unknown {
  const renewed = Object.entries(phases).map(([id, phase]) => [
    id,
    Object.fromEntries(Object.entries(phase).map(([name, value]) => [renamed[name] ?? name, value])),
  ]);
  return Object.fromEntries(renewed);
}
