// How a project is tested, as far as its own files tell: a proposal for each kind that is found at the top of the
// repository. Only what is committed counts, for only that is in a cold clone.

import { detectApp } from './app.ts';
import { detectNode } from './node.ts';
import type { Proposal } from './proposal.ts';
import { detectPython } from './python.ts';
import type { NodeTool, PipSources, PythonTool } from './toolchain.ts';

/** A project as it is committed. */
export type Project = {
  /** Every committed path. */
  files: readonly string[];
  /** A file's text; null where there is none, or it is no text of sensible size. */
  read(path: string): string | null;
};

/** What this machine has; each part is looked for only when it is needed. */
export type Machine = {
  node(): NodeTool;
  python(): PythonTool | null;
  /** The address of the npm registry that the person uses. */
  npmRegistry(): string;
  pipSources(): PipSources;
  /** Whether the python found here has all of these requirements (`pytest>=8`) installed. */
  satisfies(requirements: readonly string[]): boolean;
  /** Whether boxes have this program: under /usr, or in a folder that is granted anyway. */
  boxed(program: string): boolean;
};

/** A proposal for each kind of project found; none where it cannot be told how the project is tested. */
export function detect(project: Project, machine: Machine): Proposal[] {
  const found = [detectNode(project, machine), detectPython(project, machine)].filter((proposal) => proposal !== null);
  // One recipe is called what people call it; two need telling apart.
  const units = found.length === 1 ? found.map((proposal) => ({ ...proposal, name: 'unit' })) : found;
  const app = detectApp(project);
  return app ? [...units, app] : units;
}
