// A project and the machine that it is to be tested on, as far as setting it up needs to know them.

import type { ToolGrant } from '../../state/trail/workspace.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** `tool` is null where every box has it anyway. */
export type NodeTool = { version: string; tool: ToolGrant | null; hasNpm: boolean };

export type PythonTool = {
  program: string;
  version: string;
  /** The interpreter's own folder; null where every box has it. */
  tool: ToolGrant | null;
  /** The virtual environment that it belongs to, if it does. */
  venv: ToolGrant | null;
  hasPytest: boolean;
  /** Whether it can make a virtual environment with pip in it. */
  makesVenv: boolean;
};

/** A store of packages on this machine: the folder that a box must see, and how pip is told of it. */
export type LocalPackages = { folder: string; flag: string };

/** Where the person's pip looks: `index` null for the public one, `extra` further addresses. */
export type PipSources = { index: string | null; extra: string[]; local: LocalPackages[] };

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
