// What setting up a project needs to know: the project itself, and the machine that it is to be tested on.

import type { ToolGrant } from '../../state/trail/workspace.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** `tool` is null if every box has Node anyway. */
export type NodeTool = { version: string; tool: ToolGrant | null; hasNpm: boolean };

export type PythonTool = {
  program: string;
  version: string;
  /** The interpreter's folder; null if every box has it. */
  tool: ToolGrant | null;
  /** The virtual environment that the interpreter belongs to; null if it belongs to none. */
  venv: ToolGrant | null;
  hasPytest: boolean;
  /** Whether this python can create a virtual environment with pip. */
  makesVenv: boolean;
};

/** A store of packages on this machine: the folder that a box must see, and the flag that points pip at it. */
export type LocalPackages = { folder: string; flag: string };

/** Where your pip looks: `index` is null for the public one; `extra` has further addresses. */
export type PipSources = { index: string | null; extra: string[]; local: LocalPackages[] };

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
