// How the models are reached: from coldpass.yml and the environment to one setup a role. The key comes from the environment
// alone, so that it never stands in a file that is committed.

import { anthropic } from '../../agents/model/anthropic.ts';
import type { Clock } from '../../agents/model/clock.ts';
import { AgentError } from '../../agents/model/errors.ts';
import { type Price, priceOf } from '../../agents/model/spend.ts';
import { limitsFrom } from '../../agents/session/limits.ts';
import type { AgentSetup } from '../../loop/hands/world.ts';
import type { AgentRole } from '../../state/entry/ids.ts';
import { agentSettings, type Config } from '../../state/plan/config.ts';
import type { Env } from '../project/project.ts';
import { UsageError } from '../terminal/errors.ts';

export const modelDefault = 'claude-opus-5-5';
const addressDefault = 'https://api.anthropic.com';

export type Agents = Record<AgentRole, AgentSetup>;

/** Both roles' setups. UsageError where the key is missing, an address is none, or a model has no price. */
export function agentsFrom(config: Config, env: Env, clock: Clock): Agents {
  const apiKey = env.ANTHROPIC_API_KEY?.trim() ?? '';
  const setup = (role: AgentRole): AgentSetup => {
    const { model = modelDefault, baseUrl, limits = {} } = agentSettings(config, role);
    const baseURL = addressOf(baseUrl ?? env.ANTHROPIC_BASE_URL);
    if (apiKey === '') throw new UsageError(noKey(baseURL));
    const backend = anthropic({ apiKey, baseURL, model, clock });
    return { backend, price: priceFor(model, config), limits: limitsFrom(limits), secrets: [apiKey] };
  };
  return { builder: setup('builder'), adversary: setup('adversary') };
}

function addressOf(given: string | undefined): string {
  const address = given?.trim() || addressDefault;
  if (/^https?:$/.test(URL.parse(address)?.protocol ?? '')) return address;
  throw new UsageError(`ANTHROPIC_BASE_URL is "${address}", which is no http address; correct or unset it`);
}

function noKey(baseURL: string): string {
  const how = 'type: export ANTHROPIC_API_KEY=… and run this again';
  return baseURL === addressDefault
    ? `no model key: ANTHROPIC_API_KEY is not set; ${how}`
    : `no model key for ${baseURL}: ANTHROPIC_API_KEY is not set; ${how} (any word will do if it asks for none)`;
}

function priceFor(model: string, config: Config): Price {
  try {
    return priceOf(model, config.agents.prices);
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause;
    throw new UsageError(
      `no price is known for the model "${model}", so no budget can hold; give one in coldpass.yml under agents.prices`,
      { cause },
    );
  }
}
