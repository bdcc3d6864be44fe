// `coldpass export`: what the trail shows, as signed statements that other tools read and openssl verifies. Each run
// that counts gives a test result, signed with the runner's key; each claimed gate gives a verification summary, signed
// with the supervisor's key. Nothing is exported from a trail whose audit fails. The statements depend only on the
// trail: the same trail gives the same bytes.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { StatementSource } from '../../state/audit/statement.ts';
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
import type { CommandContext } from '../workspace/place.ts';
import { witnessed } from './audit.ts';
import { type ExportedPhase, type ExportFiles, type ExportKeys, exportPhase } from './exportPhase.ts';
import { exportReadme } from './exportReadme.ts';

export type ExportOptions = {
  /** The folder to write to: empty or new. */
  out: string;
  /** The phase to export; by default all phases. */
  phase?: string;
  /** The URI by which readers of the statements know the repository. */
  resource?: string;
};
export type ExportReport = { exit: Exit; dir: string; root: string; head: Sha; phases: ExportedPhase[] };

/** Throws UsageError for an unusable folder, phase or URI, or if the keys are missing; Refused if the audit fails. */
export async function exportStatements(asked: CommandContext, options: ExportOptions): Promise<ExportReport> {
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

/** Exports a trail that is given by its folders. */
export async function exportTrail({ paths, root, resource, dir, phase }: TrailExport): Promise<ExportReport> {
  checkUri(resource);
  checkEmpty(dir);
  // The trail may grow meanwhile, so export exactly the commit that was audited.
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
    const results = gates.map(({ gate, result }) => `${gate} ${result}`).join(', ') || 'no gates';
    const rest = unclaimed.length > 0 ? `; not claimed yet: ${unclaimed.join(', ')}` : '';
    out.line(`phase ${phase}: ${runs} ${runs === 1 ? 'run' : 'runs'}; ${results}${rest}`);
  }
  out.line(`→ written to ${dir}; anyone with openssl can verify them there: sh verify.sh`);
}

type Making = { source: StatementSource; keys: ExportKeys; phase: string | undefined };

async function makeFiles(trail: Trail, { source, keys, phase }: Making) {
  const chosen = phase === undefined ? Object.values(trail.state.phases) : [phaseNamed(trail.state, phase)];
  if (chosen.length === 0) throw new UsageError('no phase has been opened yet, so there is nothing to export');
  const files: ExportFiles = new Map();
  const phases: ExportedPhase[] = [];
  for (const one of chosen) phases.push(await exportPhase(trail, one, { source, keys, files }));
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
    `the audit failed, so nothing is exported: ${where}${first?.what ?? 'no trail here'}${more}; see: coldpass audit`,
  );
}

/** The runner's and the supervisor's keys that currently count on the trail. */
async function keysOf({ hub, keys: dir }: TrailExport['paths'], head: Sha): Promise<ExportKeys> {
  const signers = await signersAt(hub, head);
  const open = (role: keyof ExportKeys): EnvelopeKey => {
    const path = join(dir, role);
    if (!existsSync(path))
      throw new UsageError(
        `the ${role}'s key is missing (${path}); export where the supervisor runs (you can only audit a copy)`,
      );
    return loadKey(roleKeyFile(dir, role, currentKey(signers, role) ?? 'none'));
  };
  return { runner: open('runner'), supervisor: open('supervisor') };
}

function checkUri(resource: string): void {
  if (/^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,1000}$/i.test(resource)) return;
  throw new UsageError(`"${resource}" is not a URI; give one such as git+https://example.org/project.git`);
}

function checkEmpty(dir: string): void {
  if (existsSync(dir) && readdirSync(dir).length > 0)
    throw new UsageError(`${dir} is not empty; name an empty or a new folder`);
}
