// `coldpass export`: what the trail shows, as signed statements that other tools read and openssl verifies. A test-result of
// each run that counts, signed by the runner's key; a verification summary of each gate that was claimed, signed by the
// supervisor's. Nothing is exported of a trail that does not hold, and nothing but the trail goes in: the same trail gives the
// same bytes.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Source } from '../../state/audit/statement.ts';
import { Refused } from '../../state/entry/errors.ts';
import type { Sha } from '../../state/entry/ids.ts';
import { type EnvelopeKey, publicPem } from '../../state/keys/dsse.ts';
import { loadKey, roleKeyFile } from '../../state/keys/keys.ts';
import { currentKey } from '../../state/keys/signers.ts';
import { signersAt } from '../../state/trail/hub.ts';
import { type Trail, withTrail } from '../../state/trail/read.ts';
import type { StatePaths } from '../../state/trail/workspace.ts';
import { phaseNamed } from '../show/explain.ts';
import { type Exit, exits, UsageError } from '../terminal/errors.ts';
import type { Screen } from '../terminal/print.ts';
import { here } from '../workspace/here.ts';
import type { Asked } from '../workspace/place.ts';
import { witnessed } from './audit.ts';
import { type ExportedPhase, exportPhase, type Files, type Keys } from './exportPhase.ts';
import { exportReadme } from './exportReadme.ts';

export type ExportOptions = {
  /** A folder that is empty, or to be made. */
  out: string;
  /** By default every phase. */
  phase?: string;
  /** URI of the repository, as those name it who read the statements. */
  resource?: string;
};
export type ExportReport = { exit: Exit; dir: string; root: string; head: Sha; phases: ExportedPhase[] };

/** UsageError for a folder, phase or URI that will not do, and where the keys are not here; Refused where the audit does not hold. */
export async function exportStatements(asked: Asked, options: ExportOptions): Promise<ExportReport> {
  const { paths, workspace } = await here(asked);
  const { root, name } = workspace;
  const resource = options.resource ?? `coldpass:${root}#${name}`;
  const { phase } = options;
  return exportTrail({ paths, root, resource, dir: resolve(asked.dir, options.out), ...(phase && { phase }) });
}

export type TrailExport = {
  paths: Pick<StatePaths, 'hub' | 'headsLog' | 'keys'>;
  root: string;
  resource: string;
  dir: string;
  phase?: string;
};

/** The same of a trail that is known by its folders. */
export async function exportTrail({ paths, root, resource, dir, phase }: TrailExport): Promise<ExportReport> {
  checkUri(resource);
  checkEmpty(dir);
  // The trail may grow meanwhile: what was audited is what is exported.
  const head = await auditedHead(paths, root);
  const keys = await keysOf(paths, head);
  const source = { root, head, resource };
  const { files, phases } = await withTrail(paths.hub, (trail) => makeFiles(trail, { source, keys, phase }), head);
  for (const [path, bytes] of files) {
    const file = join(dir, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes, { flag: 'wx' });
  }
  return { exit: exits.yes, dir, root, head, phases };
}

export function sayExported({ dir, phases }: ExportReport, out: Screen): void {
  for (const { phase, runs, gates, unclaimed } of phases) {
    const told = gates.map(({ gate, result }) => `${gate} ${result}`).join(', ') || 'no gate';
    const rest = unclaimed.length > 0 ? `; nobody has claimed ${unclaimed.join(', ')}` : '';
    out.line(`phase ${phase}: ${runs} ${runs === 1 ? 'run' : 'runs'}; ${told}${rest}`);
  }
  out.line(`→ they lie in ${dir}; anyone with openssl verifies them with: sh verify.sh`);
}

type Making = { source: Source; keys: Keys; phase: string | undefined };

async function makeFiles(trail: Trail, { source, keys, phase }: Making) {
  const named = phase === undefined ? Object.values(trail.state.phases) : [phaseNamed(trail.state, phase)];
  if (named.length === 0) throw new UsageError('no phase was opened yet, so there is nothing to export');
  const files: Files = new Map();
  const phases: ExportedPhase[] = [];
  for (const one of named) phases.push(await exportPhase(trail, one, { source, keys, files }));
  for (const role of ['runner', 'supervisor'] as const) files.set(`${role}.pem`, Buffer.from(publicPem(keys[role])));
  files.set('verify.sh', readFileSync(join(import.meta.dirname, 'verify.sh')));
  files.set('README.md', Buffer.from(exportReadme({ source, keys, phases })));
  return { files, phases };
}

async function auditedHead({ hub, headsLog }: TrailExport['paths'], root: string): Promise<Sha> {
  const { head, problems } = await witnessed({ hub, root }, headsLog);
  const [first, ...others] = problems;
  if (!first && head !== null) return head;
  const where = first?.entry ? `#${first.entry}: ` : '';
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  throw new Refused(
    `the audit does not hold, so nothing is exported: ${where}${first?.what ?? 'there is no trail'}${more}; see: coldpass audit`,
  );
}

/** The keys that count on the trail for these roles. */
async function keysOf({ hub, keys: dir }: TrailExport['paths'], head: Sha): Promise<Keys> {
  const signers = await signersAt(hub, head);
  const open = (role: keyof Keys): EnvelopeKey => {
    const path = join(dir, role);
    if (!existsSync(path))
      throw new UsageError(
        `the ${role}'s key is not here (${path}): export where the supervisor runs, with its key; a copy can be audited`,
      );
    return loadKey(roleKeyFile(dir, role, currentKey(signers, role) ?? 'none'));
  };
  return { runner: open('runner'), supervisor: open('supervisor') };
}

function checkUri(resource: string): void {
  if (/^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,1000}$/i.test(resource)) return;
  throw new UsageError(`"${resource}" is no URI; give one such as git+https://example.org/project.git`);
}

function checkEmpty(dir: string): void {
  if (existsSync(dir) && readdirSync(dir).length > 0)
    throw new UsageError(`${dir} is not empty; name a folder that is, or that is to be made`);
}
