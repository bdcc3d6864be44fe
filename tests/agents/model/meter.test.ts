import { describe, expect, it } from 'vitest';
import { meter } from '../../../agents/model/meter.ts';
import { noUsage } from '../../../agents/model/usage.ts';

type Event = Parameters<ReturnType<typeof meter>['see']>[0];
const reports = (usage: object) => ({ type: 'message_delta', delta: {}, usage }) as unknown as Event;

describe('the usage meter of an answer', () => {
  it('takes the highest count, since counts are cumulative', () => {
    const counted = meter();
    for (const output_tokens of [3, 9, 0]) counted.see(reports({ output_tokens, input_tokens: null }));
    expect(counted.total()).toEqual({ ...noUsage, output: 9 });
  });

  it.each(['many', '7', {}, 1.5, 1e300, -4])('ignores %j as a count, and keeps counting', (odd) => {
    const counted = meter();
    for (const output_tokens of [odd, 9, odd]) {
      const cache_creation = { ephemeral_1h_input_tokens: odd };
      counted.see(reports({ output_tokens, input_tokens: odd, cache_read_input_tokens: odd, cache_creation }));
    }
    expect(counted.total()).toEqual({ ...noUsage, output: 9 });
  });
});
