// How to reach the models: turns coldpass.yml and the environment into one setup per role. The key comes only from the
// environment, so it never ends up in a committed file.

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

/**
 * The setups of both roles. Throws UsageError if the key is missing, an address is not a URL, or a model has no price.
 */
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

function addressOf(setting: string | undefined): string {
  const address = setting?.trim() || addressDefault;
  if (/^https?:$/.test(URL.parse(address)?.protocol ?? '')) return address;
  throw new UsageError(`ANTHROPIC_BASE_URL is "${address}", which is not an http address; correct it or unset it`);
}

function noKey(baseURL: string): string {
  const how = 'type: export ANTHROPIC_API_KEY=… and try again';
  return baseURL === addressDefault
    ? `no model key: ANTHROPIC_API_KEY is not set; ${how}`
    : `no model key for ${baseURL}: ANTHROPIC_API_KEY is not set; ${how} (any value works if that service needs no key)`;
}

function priceFor(model: string, config: Config): Price {
  try {
    return priceOf(model, config.agents.prices);
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause;
    throw new UsageError(
      `the price of model "${model}" is unknown, so no budget can be kept; set it in coldpass.yml under agents.prices`,
      { cause },
    );
  }
}
