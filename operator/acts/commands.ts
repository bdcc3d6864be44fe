// The acts as commands: how to type each one. The names of arguments and options are the members of an `ActDecision`.

export type ActCommand = {
  spec: string;
  summary: string;
  example: string;
  /** Optional flags with their help text, besides those that every act has. */
  options: (readonly [flags: string, help: string])[];
  /** Required flags with their help text. */
  needed: (readonly [flags: string, help: string])[];
};

const because = ['--because <reason>', 'why, in one sentence; signed and kept on the trail'] as const;
const untilDate = ['--until <date>', 'a date such as 2026-12-01, or a span such as 12h, 3d, 2w'] as const;
const untilTrue = ['--until <criterion...>', 'what must be true before you lift it'] as const;

export const actCommands: ActCommand[] = [
  {
    ...command('approve <id>', 'approve a request or a deferred item', 'approve 41'),
    options: [because, ['--plan <file>', 'for a deferred item: the plan that does it']],
  },
  command('refuse <id>', 'refuse a request or a proposal', 'refuse 41 --because "no new dependency"'),
  {
    ...command(
      'waive <gate> <condition>',
      'waive one condition of a gate until a date',
      'waive M1 verdict --until 3d --because "checked by eye"',
    ),
    needed: [untilDate],
  },
  {
    ...command(
      'veto',
      'block the phase until you lift the veto',
      'veto --because "licence unclear" --until "legal agrees"',
    ),
    options: [because, untilTrue],
  },
  command(
    'lift <id>',
    'lift a veto, or close a finding or a flake',
    'lift 57 --because "that host\'s clock was wrong"',
  ),
  command('resume', 'resume a parked phase and reset its counters', 'resume'),
  command('drop', 'abandon the phase', 'drop --because "superseded"'),
  {
    ...command(
      'amend <phase>',
      'replace the plan of a phase under way; gates that change are judged again',
      'amend notes --plan plan-phase-notes.md --because "2.3 can wait"',
    ),
    needed: [['--plan <file>', 'the complete new plan; id and base stay']],
  },
  {
    ...command(
      'rotate <role>',
      'give a role a new key: builder, adversary, runner, supervisor, operator (you)',
      'rotate builder --because "its folder was copied"',
    ),
    options: [because, ['--key <file>', 'for the operator: use this key of yours instead of a new one']],
  },
  { ...command('note <text>', 'leave a note for both agents', 'note "API 2.x is good enough"'), options: [] },
];

function command(spec: string, summary: string, example: string): ActCommand {
  return { spec, summary, example, options: [because], needed: [] };
}
