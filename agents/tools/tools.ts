// Which tools each role has, always in the same order: the prompt cache key includes them.

import type { AgentRole } from '../../state/entry/ids.ts';
import { adversaryTools } from './adversary.ts';
import { builderTools } from './builder.ts';
import { sharedTools } from './shared.ts';
import type { Tool } from './tool.ts';

export function toolsFor(role: AgentRole): Tool[] {
  return [...sharedTools, ...(role === 'builder' ? builderTools : adversaryTools)];
}
