// Finds out from a project's own files how it is tested: one proposal for each kind of project found at the top of the
// repository. Looks only at committed files, because only those are in a cold clone.

import { detectApp } from './app.ts';
import { detectNode } from './node.ts';
import type { Proposal } from './proposal.ts';
import { detectPython } from './python.ts';
import type { NodeTool, PipSources, PythonTool } from './toolchain.ts';

/** The committed files of a project. */
export type Project = {
  /** Every committed path. */
  files: readonly string[];
  /** A file's text; null if the file is missing or too large. */
  read(path: string): string | null;
};

/** The tools of this machine; each is looked up only when needed. */
export type Machine = {
  node(): NodeTool;
  python(): PythonTool | null;
  /** The address of your npm registry. */
  npmRegistry(): string;
  pipSources(): PipSources;
  /** Whether the local python has all of these requirements (`pytest>=8`) installed. */
  satisfies(requirements: readonly string[]): boolean;
  /** Whether boxes have this program: under /usr, or in a folder that will be granted anyway. */
  boxed(program: string): boolean;
};

/** One proposal for each kind of project found; none if it is unclear how the project is tested. */
export function detect(project: Project, machine: Machine): Proposal[] {
  const all = [detectNode(project, machine), detectPython(project, machine)].filter((proposal) => proposal !== null);
  // A single recipe gets the usual name; two need different names.
  const units = all.length === 1 ? all.map((proposal) => ({ ...proposal, name: 'unit' })) : all;
  const app = detectApp(project);
  return app ? [...units, app] : units;
}
