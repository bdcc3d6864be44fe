// How a project is tested, as far as its own files tell: a proposal for each kind that is found at the top of the
// repository. Only what is committed counts, for only that is in a cold clone.

import { detectApp } from './app.ts';
import { detectNode } from './node.ts';
import type { Machine, Project } from './project.ts';
import type { Proposal } from './proposal.ts';
import { detectPython } from './python.ts';

/** A proposal for each kind of project found; none where it cannot be told how the project is tested. */
export function detect(project: Project, machine: Machine): Proposal[] {
  const found = [detectNode(project, machine), detectPython(project, machine)].filter((proposal) => proposal !== null);
  // One recipe is called what people call it; two need telling apart.
  const units = found.length === 1 ? found.map((proposal) => ({ ...proposal, name: 'unit' })) : found;
  const app = detectApp(project);
  return app ? [...units, app] : units;
}
