// The system text of a role: its Markdown from `prompts/`, then a line from which a scripted back end learns the role.
// The digest pins text and tools together; the trail records it with each session.

import { readFileSync } from 'node:fs';
import { digestOfJson } from '../../state/entry/digest.ts';
import { AgentRole, type Digest } from '../../state/entry/ids.ts';
import type { ToolSchema } from '../model/backend.ts';
import { AgentError } from '../model/errors.ts';

export type Prompt = { system: string; digest: Digest };

const folder = new URL('../../prompts/', import.meta.url);
const marker = /^\[coldpass role: ([a-z]+)\]$/m;

/** The prompt of `role`; `text` replaces its file. Throws `AgentError` (prompt) if the file cannot be read. */
export function promptFor(role: AgentRole, tools: readonly ToolSchema[], text = promptText(role)): Prompt {
  const system = `${text.trim()}\n\n[coldpass role: ${role}]\n`;
  return { system, digest: digestOfJson({ system, tools }) };
}

/** The role that a system text belongs to; null if it has no role line. */
export function roleIn(system: string): AgentRole | null {
  return AgentRole.safeParse(marker.exec(system)?.[1]).data ?? null;
}

function promptText(role: AgentRole): string {
  const file = new URL(`${role}.md`, folder);
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AgentError('prompt', `the prompt ${file.pathname} cannot be read; is the installation complete?`, {
      cause,
    });
  }
}
