// A program that `cases/fullDisk.ts` runs on a small file system. It makes a phase with a green claim, fills the disk
// to the last byte, appends a FAIL and publishes work, then frees the space and does both again. Its last line of
// output is the outcome as JSON. Usage: node fullHub.ts FOLDER

import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Intent } from '../../../state/entry/entry.ts';
import { branchHead } from '../../../state/git/git.ts';
import { bundleArgv, receiveBundle } from '../../../state/git/publish.ts';
import { addCommits, git, gitBytes } from '../../support/repo.ts';
import { M1, phaseId } from '../../support/trail/writer.ts';
import type { Refusal } from '../case.ts';
import { judge, phaseOf, type Scene, type Seen, staged, verdict } from './scene.ts';

export type Told = {
  full: Seen;
  after: Seen;
  audit: { ok: boolean; problems: { entry: number | null; what: string }[] };
};

const [, , dir = ''] = process.argv;
const ballast = join(dir, 'ballast');
let full: Seen | null = null;
const { audit, ...after } = await staged(dir, async (scene) => {
  await scene.green();
  const session = await judge(scene);
  const said = { session, gate: M1, claim: scene.claim, title: 'It is wrong', fix: ['it is right'] };
  const finding = await scene.writer.append({
    kind: 'finding',
    role: 'adversary',
    phase: phaseId,
    facts: said,
    body: '',
  });
  const fail = verdict(scene, session, { verdict: 'FAIL', findings: [finding.id] });
  const bundle = bundleOf(scene);
  fillUp();
  full = await handIn(scene, fail, bundle);
  rmSync(ballast);
  return handIn(scene, fail, bundle);
});
console.log(JSON.stringify({ full, after, audit: { ok: audit.ok, problems: audit.problems } }));

/** Hands in the FAIL and the work. Each must be accepted whole or not at all; `accepted` if both were accepted. */
async function handIn({ writer, sha }: Scene, fail: Intent, bundlePath: string): Promise<Seen> {
  const { hub } = writer.made;
  const refusals: Refusal[] = [];
  const failed = (by: Refusal['by']) => (error: Error) => void refusals.push({ by, why: error.message });
  await writer.append(fail).catch(failed('funnel'));
  const publication = { hub: hub.dir, bundlePath, phase: phaseId, expectedOld: sha };
  const received = await receiveBundle(publication).catch(failed('tool: publish'));
  if (received && 'refused' in received) refusals.push({ by: 'tool: publish', why: received.refused });
  const head = await branchHead(hub.dir, `phase/${phaseId}`);
  if (refusals.length > 0 && head !== sha) throw new Error(`the branch moved to ${head}, which was refused`);
  const isSaid = phaseOf(writer).claims.some(({ verdicts }) => verdicts.length > 0);
  return { accepted: isSaid && head !== sha, refusals };
}

/** Makes a bundle with work on the branch, as a box does, and returns its path. */
function bundleOf({ writer, sha }: Scene): string {
  const clone = join(dir, 'clone');
  git(dir, ['clone', '-q', '--bare', writer.made.hub.dir, clone]);
  addCommits(clone, 'refs/heads/work', [{ 'b.txt': 'b\n' }], sha);
  git(clone, ['symbolic-ref', 'HEAD', 'refs/heads/work']);
  const path = join(dir, 'bundle');
  writeFileSync(path, gitBytes(clone, bundleArgv(sha).slice(1)));
  return path;
}

function fillUp(): void {
  const file = openSync(ballast, 'w');
  for (let size = 1024 * 1024; size >= 1; ) {
    try {
      writeSync(file, Buffer.alloc(size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(file);
}
