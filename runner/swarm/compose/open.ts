// From an app's folder to an app that may be deployed: reads its compose files, `.env.sample` and `abra.sh`, what these name, and
// no more; all judgement is in the pure files that it calls. A folder that is not admitted is an answer, not an error.

import { posix } from 'node:path';
import type { AdmittedApp, Labels, RunNames } from '../app/app.ts';
import { Refused, refuse } from '../app/refused.ts';
import { admitted, composed, type Given, textOf } from './app.ts';

export type OpenAppOptions = {
  /** A whole file by its path from the tree's top; null where it is not there or is a link. Rejects only where the box broke. */
  read(path: string): Promise<Buffer | null>;
  /** The app's folder, `.` for the tree's top. */
  folder: string;
  compose: string[];
  main: string;
  /** Over `.env.sample`. */
  env: Record<string, string>;
  names: RunNames;
  /** Another stack than the run's own: of an app that is needed. */
  stack?: string;
  labels: Labels;
  /** The full name of the run's network that stands for `proxy`. */
  network: string;
  platform: { ipvs: boolean };
};

/** `files` are the texts that were read, by their names in the folder: for lint. `refused` is one line. */
export type OpenedApp = { app: AdmittedApp; files: Record<string, string> } | { refused: string };

export async function openApp(options: OpenAppOptions): Promise<OpenedApp> {
  try {
    return await opened(options);
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message };
    throw error;
  }
}

async function opened(options: OpenAppOptions): Promise<OpenedApp> {
  const { names, env, main, labels, network, platform } = options;
  const given: Given = { names, env, main, labels, network, ipvs: platform.ipvs, stack: options.stack ?? names.stack };
  const compose = [];
  for (const file of options.compose) compose.push({ file, text: await needed(options, file) });
  const texts = {
    compose,
    envSample: await optional(options, '.env.sample'),
    abraSh: await optional(options, 'abra.sh'),
  };
  const draft = composed(texts, given);
  const files = new Map<string, Buffer>();
  // As docker does: from the folder of the first compose file.
  const base = posix.dirname(options.compose[0] ?? '');
  for (const { at, path } of draft.wanted) {
    const bytes = files.get(path) ?? (await options.read(posix.join(options.folder, base, path)));
    files.set(
      path,
      bytes ?? refuse(at, '', `the file ${path} is not there, or is a link`, "add it to the app's folder"),
    );
  }
  const app = admitted(draft, files, given);
  const others = { '.env.sample': texts.envSample, 'abra.sh': texts.abraSh };
  const read = [...compose.map(({ file, text }) => [file, text]), ...Object.entries(others)];
  return { app, files: Object.fromEntries(read.filter(([, text]) => text !== null)) };
}

async function needed(options: OpenAppOptions, file: string): Promise<string> {
  const text = await optional(options, file);
  return text ?? refuse(file, '', 'it is not there, or is a link', 'add it, or correct `compose` in the recipe');
}

async function optional({ read, folder }: OpenAppOptions, file: string): Promise<string | null> {
  const bytes = await read(posix.join(folder, file));
  return bytes === null ? null : textOf(bytes, file);
}
