// The acts as commands: how each is typed. Names of arguments and options are the members of a `Decision`.

export type ActCommand = {
  spec: string;
  summary: string;
  example: string;
  /** Flags and what they say, besides those that every act has. */
  options: (readonly [flags: string, says: string])[];
  /** Flags without which it is not understood. */
  needed: (readonly [flags: string, says: string])[];
};

const because = ['--because <reason>', 'why, in a sentence: it is signed, and stays on the trail'] as const;
const untilDate = ['--until <date>', 'a date such as 2026-12-01, or a span such as 12h, 3d, 2w'] as const;
const untilSo = ['--until <criterion...>', 'what has to be so before it is lifted'] as const;

export const actCommands: ActCommand[] = [
  {
    ...command('approve <id>', 'allow what the Builder asked for, or take up what was put off', 'approve 41'),
    options: [because, ['--plan <file>', 'the plan that takes up what was put off']],
  },
  command('refuse <id>', 'turn down what was asked for or proposed', 'refuse 41 --because "no new dependency"'),
  {
    ...command('waive <gate> <condition>', 'let a gate do without a condition, until a date', ''),
    ...{ example: 'waive M1 verdict --until 3d --because "seen by eye"', needed: [untilDate] },
  },
  {
    ...command('veto', 'block the phase until you lift it', 'veto --because "the licence" --until "counsel agrees"'),
    options: [because, untilSo],
  },
  command('lift <id>', 'lift a veto, or close a finding or a flake', 'lift 57 --because "the clock of that host"'),
  command('resume', 'let a parked phase go on, its counters begun anew', 'resume'),
  command('drop', 'give the phase up', 'drop --because "superseded"'),
  {
    ...command('amend <phase>', 'give a phase under way another plan; gates that it changes are judged anew', ''),
    example: 'amend notes --plan plan-phase-notes.md --because "2.3 is for later"',
    needed: [['--plan <file>', 'the whole new plan; its base and id stay']],
  },
  {
    ...command('rotate <role>', 'give a role a new key: builder, adversary, runner, supervisor or operator', ''),
    example: 'rotate builder --because "its folder was copied"',
    options: [because, ['--key <file>', 'for the operator: a key that you have, in place of one made beside the old']],
  },
  { ...command('note <text>', 'tell both agents something', 'note "the API of 2.x will do"'), options: [] },
];

function command(spec: string, summary: string, example: string): ActCommand {
  return { spec, summary, example, options: [because], needed: [] };
}
