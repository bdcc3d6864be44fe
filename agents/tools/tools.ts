// Which role has which tools, always in the same order: they are part of what the prompt cache is keyed on.

import type { AgentRole } from '../../state/entry/ids.ts';
import { adversaryTools } from './adversary.ts';
import { builderTools } from './builder.ts';
import { sharedTools } from './shared.ts';
import type { Tool } from './tool.ts';

/** The tools of a role. */
export function toolsFor(role: AgentRole): Tool[] {
  return [...sharedTools, ...(role === 'builder' ? builderTools : adversaryTools)];
}
