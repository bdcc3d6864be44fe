// Opens an app's folder and returns the admitted app. Reads only the compose files, `.env.sample`, `abra.sh` and the
// files that these name; the pure functions that it calls decide. A refusal is a return value, not an error.

import { posix } from 'node:path';
import type { AdmittedApp, Labels, RunNames } from '../app/app.ts';
import { AppRefused, refuse } from '../app/refused.ts';
import { type AppRequest, admitApp, readCompose, textOf } from './app.ts';

export type OpenAppOptions = {
  /** Reads a file by its path in the tree; null if missing or a symbolic link. Rejects only if the box broke. */
  read(path: string): Promise<Buffer | null>;
  /** The app's folder, `.` for the root of the tree. */
  folder: string;
  compose: string[];
  main: string;
  /** Variables that override those of `.env.sample`. */
  env: Record<string, string>;
  names: RunNames;
  /** The stack's name, for a needed app; by default that of the app under test. */
  stack?: string;
  labels: Labels;
  /** The full name of the network that replaces `proxy` in this run. */
  network: string;
  platform: { ipvs: boolean };
};

/** `files` has the texts that were read, for lint, by their names in the folder. `refused` is one line. */
export type OpenedApp = { app: AdmittedApp; files: Record<string, string> } | { refused: string };

export async function openApp(options: OpenAppOptions): Promise<OpenedApp> {
  try {
    return await open(options);
  } catch (error) {
    if (error instanceof AppRefused) return { refused: error.message };
    throw error;
  }
}

async function open(options: OpenAppOptions): Promise<OpenedApp> {
  const { names, env, main, labels, network, platform } = options;
  const given: AppRequest = {
    names,
    env,
    main,
    labels,
    network,
    ipvs: platform.ipvs,
    stack: options.stack ?? names.stack,
  };
  const compose = [];
  for (const file of options.compose) compose.push({ file, text: await required(options, file) });
  const texts = {
    compose,
    envSample: await optional(options, '.env.sample'),
    abraSh: await optional(options, 'abra.sh'),
  };
  const draft = readCompose(texts, given);
  const files = new Map<string, Buffer>();
  // Paths are relative to the folder of the first compose file, as in docker.
  const base = posix.dirname(options.compose[0] ?? '');
  for (const { at, path } of draft.wanted) {
    const bytes = files.get(path) ?? (await options.read(posix.join(options.folder, base, path)));
    files.set(
      path,
      bytes ?? refuse(at, '', `the file ${path} is missing or a symbolic link`, "add it to the app's folder"),
    );
  }
  const app = admitApp(draft, files, given);
  const others = { '.env.sample': texts.envSample, 'abra.sh': texts.abraSh };
  const read = [...compose.map(({ file, text }) => [file, text]), ...Object.entries(others)];
  return { app, files: Object.fromEntries(read.filter(([, text]) => text !== null)) };
}

async function required(options: OpenAppOptions, file: string): Promise<string> {
  const text = await optional(options, file);
  return text ?? refuse(file, '', 'missing or a symbolic link', 'add it, or correct `compose` in the recipe');
}

async function optional({ read, folder }: OpenAppOptions, file: string): Promise<string | null> {
  const bytes = await read(posix.join(folder, file));
  return bytes === null ? null : textOf(bytes, file);
}
