// Finds out from a project's own files how it is tested: one proposal for each kind of project found at the top of the
// repository. Looks only at committed files, because only those are in a cold clone.

import { detectApp } from './app.ts';
import { detectNode } from './node.ts';
import type { Machine, Project } from './project.ts';
import type { Proposal } from './proposal.ts';
import { detectPython } from './python.ts';

/** One proposal for each kind of project found; none if it is unclear how the project is tested. */
export function detect(project: Project, machine: Machine): Proposal[] {
  const all = [detectNode(project, machine), detectPython(project, machine)].filter((proposal) => proposal !== null);
  // A single recipe gets the usual name; two need different names.
  const units = all.length === 1 ? all.map((proposal) => ({ ...proposal, name: 'unit' })) : all;
  const app = detectApp(project);
  return app ? [...units, app] : units;
}
