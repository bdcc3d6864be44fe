// Trails that earlier versions made: the demo's, an honest story, and two random ones. Each fixture is a bundle of the hub with
// what the version that made it folded, audited and explained. Whoever changes a rule finds out here whether sound trails
// stay sound.

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

/** Fields of a phase as data that have other names now. */
const renamed: Record<string, string> = {
  asked: 'actToAnswer',
  bar: 'barChanged',
  progress: 'lastProgress',
  things: 'writings',
};

/** `explained`: by phase and gate. `heads`: the text of heads.log. */
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

  it('folds as it did', async () => {
    const state = await withTrail(laid().hub, (trail) => trail.state);
    expect(asJson(state)).toEqual({ ...before.state, phases: withNewNames(before.state.phases) });
  });

  it('is as sound as it was', async () => {
    expect(asJson(await audit({ ...laid(), root: before.root }))).toEqual(before.audit);
  });

  it('has the same gates, for the same reasons', async () => {
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

/** Without the words that say what each entry came to: those may be put better. */
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
