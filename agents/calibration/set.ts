// Claims of known truth, good and bad in turn, for calibrating a judge. Each file of `prompts/calibration/` is one
// small project with a plan, a good claim and a bad one; both are green, and running the case's proof tells which is
// which.

import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { digestOfJson } from '../../state/entry/digest.ts';
import { type Digest, TreePath } from '../../state/entry/ids.ts';
import { readYaml } from '../../state/plan/yaml.ts';

const folder = new URL('../../prompts/calibration/', import.meta.url);

const Tree = z.record(TreePath, z.string());
const claim = {
  says: z.string().min(1),
  message: z.string().min(1),
  files: Tree,
  /** Names of the tests that passed in the claim's run. */
  tests: z.array(z.string().min(1)).min(1),
};
const Project = z.strictObject({
  title: z.string().min(1),
  clauses: z.record(z.string(), z.string().min(1)),
  base: Tree,
  good: z.strictObject(claim),
  bad: z.strictObject({ kind: z.string().min(1), defect: z.string().min(1), ...claim }),
  /** A JavaScript module, to be run in the claim's tree: it exits 0 if the claim is true and 1 if it is not. */
  proof: z.string().min(1),
});
type Project = z.infer<typeof Project>;

export type CalibrationCase = {
  /** Never shown to the judge; neither are `kind`, `truth` and `proof`. */
  name: string;
  kind: string;
  truth: 'good' | 'bad';
  proof: string;
  title: string;
  clauses: Record<string, string>;
  base: Record<string, string>;
  claim: { says: string; message: string; files: Record<string, string>; tests: string[] };
};
export type CalibrationSet = { digest: Digest; cases: CalibrationCase[] };

/** The set shipped with this version. Throws `TrailError` (bad-file) if a case is invalid. */
export function calibrationSet(): CalibrationSet {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yml'));
  const projects = names.sort().map((name): [string, Project] => {
    const text = readFileSync(new URL(name, folder), 'utf8');
    return [name.slice(0, -'.yml'.length), readYaml(Project, text, `prompts/calibration/${name}`)];
  });
  return { digest: digestOfJson(projects), cases: projects.flatMap(([name, project]) => casesOf(name, project)) };
}

function casesOf(name: string, { title, clauses, base, good, bad, proof }: Project): CalibrationCase[] {
  const shared = { title, clauses, base, proof };
  const { kind, defect: _, ...badClaim } = bad;
  return [
    { ...shared, name: `${name}, good`, kind: `looks like ${kind}`, truth: 'good', claim: good },
    { ...shared, name: `${name}, bad`, kind, truth: 'bad', claim: badClaim },
  ];
}
