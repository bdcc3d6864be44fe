// The demo's script of turns: `recipes/demo/script.yml`, with each `file:PATH` replaced by that file's text.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readScript, type Script } from '../../agents/scripted/script.ts';

/** The demo's folder: sample project, plan, script and the files that the script writes. */
export const demoDir = fileURLToPath(new URL('../../recipes/demo/', import.meta.url));

/** What the demo's agents say and do. */
export function demoScript(): Script {
  const script = readScript(readFileSync(`${demoDir}script.yml`, 'utf8'), 'recipes/demo/script.yml');
  return withFiles(script) as Script;
}

function withFiles(value: unknown): unknown {
  if (typeof value === 'string')
    return value.startsWith('file:') ? readFileSync(demoDir + value.slice(5), 'utf8') : value;
  if (Array.isArray(value)) return value.map(withFiles);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withFiles(member)]));
}
