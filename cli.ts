// The command line: which commands there are, and the one place that knows this process (arguments, environment, signals, exit
// code). What a command does is a function in operator/ that returns data; how that reads is another one beside it.
//
// Exit: 0 yes · 1 no · 2 usage or bad input · 3 needs the operator · 4 the machine

import { homedir } from 'node:os';
import { Command, CommanderError } from 'commander';
import { systemClock } from './agents/model/clock.ts';
import type { Progress } from './loop/hands/world.ts';
import { type Decision, decide, sayAct } from './operator/acts/act.ts';
import { type ActCommand, actCommands } from './operator/acts/commands.ts';
import { planCheck, planNew, sayPlanChecked, sayPlanMade } from './operator/acts/plan.ts';
import { auditTrail, sayAudit } from './operator/audit/audit.ts';
import { exportStatements, sayExported } from './operator/audit/export.ts';
import { auditPlain } from './operator/audit/plain.ts';
import { sayPlain } from './operator/audit/sayPlain.ts';
import { listRuns, sayBadge, sayOneRun, sayRuns, showRun } from './operator/runs/runs.ts';
import { sayChallenge } from './operator/runs/sayChallenge.ts';
import { sayRun } from './operator/runs/sayRun.ts';
import type { DemoGround } from './operator/setup/demo.ts';
import { doctor } from './operator/setup/doctor.ts';
import { init } from './operator/setup/init.ts';
import { sayDoctor, sayInit } from './operator/setup/say.ts';
import { explain } from './operator/show/explain.ts';
import { inbox, sayInbox } from './operator/show/inbox.ts';
import { sayExplained } from './operator/show/sayExplained.ts';
import { sayStatus } from './operator/show/sayStatus.ts';
import { status } from './operator/show/status.ts';
import { sayTrail, searchTrail } from './operator/show/trail.ts';
import { watch } from './operator/show/watch.ts';
import { type Exit, exits } from './operator/terminal/errors.ts';
import { faultOf } from './operator/terminal/fault.ts';
import { type Screen, screen, wantsColour } from './operator/terminal/print.ts';
import { follow, followRun } from './operator/terminal/progress.ts';
import { sayTry } from './operator/terminal/sayRecord.ts';
import { grantOptions } from './operator/workspace/grantOptions.ts';
import { here } from './operator/workspace/here.ts';
import type { Asked, Here } from './operator/workspace/place.ts';
import type { JudgedCase } from './state/trail/calibration.ts';

type Common = { json?: boolean; state?: string };
/** What takes longer to load than all the rest: the model's SDK, sandbox and supervisor. Only for those who use it. */
const load = {
  sandbox: () => import('./operator/workspace/sandbox.ts'),
  docker: () => import('./runner/swarm/engine/report.ts'),
  try: () => import('./operator/runs/try.ts'),
  challenge: () => import('./operator/runs/challenge.ts'),
  run: () => import('./operator/runs/run.ts'),
  demo: () => import('./operator/setup/demo.ts'),
  calibrate: () => import('./operator/runs/calibrate.ts'),
};

const clock = systemClock();
const { nowMs } = clock;
const now = () => new Date(nowMs());
const out = screen({ out: process.stdout, colour: wantsColour(process.stdout, process.env) });
const program = new Command('coldpass')
  .description('Nothing is done until it passes cold.')
  .version('0.1.0')
  .exitOverride()
  .configureHelp({ subcommandTerm: termOf, helpWidth: 110 })
  .configureOutput({ outputError: sayMistake });

add('init', 'write coldpass.yml (base, recipes, tools found here) and make the state', 'init')
  .option('--name <name>', "the workspace's name, by default the folder's")
  .option('--base <branch>', 'the branch that phases start from')
  .option('--key <file>', 'your own ed25519 key, or the .pub file of one that your ssh-agent holds')
  .option('--tool <name=folder...>', 'grant a tool folder besides those found')
  .option('--host <host...>', 'grant a network host besides those found')
  .option('--docker <socket>', 'grant a Docker engine, for recipes of apps')
  .action((options) => {
    const given = { ...options, ...asked(options), ...grantOptions(options), nodePath: process.execPath, now: now() };
    return answer(options, () => init(given), sayInit);
  });

add('doctor', 'what works here, and how to mend the rest', 'doctor').action((options) => {
  const nodeVersion = process.versions.node;
  const docker = async (socket: string) => (await load.docker()).dockerReport(socket);
  const make = async () =>
    doctor({ ...asked(options), nodeVersion, docker, sandbox: (await load.sandbox()).sandboxOf });
  return answer(options, make, sayDoctor);
});

add('try [recipe]', 'a cold run now, of what is committed: is it green?', 'try unit --ref main')
  .option('--ref <ref>', 'a branch, tag or commit in place of what is checked out')
  .option('--keep', 'leave a red run standing until Ctrl-C, to look at it')
  .action((recipe, options) => {
    const shown = options.json ? {} : { onProgress: followRun(out, nowMs), onNote: out.line };
    const given = { ...options, ...(recipe && { recipe }), asked: asked(options), now, ...shown };
    return answer(options, async () => (await load.try()).tryRun({ ...given, signal: interruptible() }), sayTry);
  });

add('runs [run]', 'list the runs, or show one with what failed in it', 'runs r-4f2a90b1c3d5')
  .option('--badge', 'its level as an SVG picture')
  .action((id, options) => {
    if (id) return answer(options, async () => showRun(await place(options), id), options.badge ? sayBadge : sayOneRun);
    return answer(options, async () => listRuns(await place(options)), sayRuns);
  });

add('challenge <run>', 'a recorded run made again here and now, compared test by test', 'challenge r-4f2a90b1c3d5')
  .addHelpText('after', '\nExit: 0 alike, 1 not, 4 the machine failed. What comes out is not recorded on the trail.')
  .action((run, options) => {
    const shown = options.json ? {} : { onProgress: followRun(out, nowMs), onNote: out.line };
    const given = { now, ...shown };
    const make = async () =>
      (await load.challenge()).challenge(await place(options), run, { ...given, signal: interruptible() });
    return answer(options, make, sayChallenge);
  });

const plan = program.command('plan').description('begin a plan, or check one');
common(plan.command('new <title>'), 'begin a plan, in this folder', 'plan new "list --json"').action((title, options) =>
  answer(options, () => planNew(asked(options), title), sayPlanMade),
);
common(plan.command('check <file>'), 'say what a plan lacks', 'plan check plan-phase-x.md').action((file, options) =>
  answer(options, () => planCheck(asked(options), file), sayPlanChecked),
);

add('run [plan]', 'one phase, from its plan to DONE; typed again it goes on', 'run plan-phase-x.md').action(
  (file, options) => {
    const shown = options.json ? {} : { onProgress: follow(out, nowMs).onProgress, onNote: out.line };
    const given = { asked: asked(options), ...(file && { plan: file }), clock, signal: interruptible(), ...shown };
    return answer(options, async () => (await load.run()).run(given), sayRun);
  },
);

add('status', 'what is so: phases, gates, who is awake, what was spent', 'status').action((options) =>
  answer(options, async () => status(await place(options), nowMs()), sayStatus),
);

add('watch', 'the status, then each entry that matters as it comes', 'watch').action((options) => {
  const watching = { nowMs, signal: interruptible(''), out, json: options.json === true };
  return answer(
    {},
    async () => watch({ place: await place(options), ...watching }),
    () => undefined,
  );
});

add('explain <gate>', 'why a gate holds or does not: each condition, with its evidence', 'explain M1')
  .option('--phase <id>', 'by default the one that is open, else the newest')
  .action((gate, options) =>
    answer(options, async () => explain(await place(options), gate, options.phase, nowMs()), sayExplained),
  );

add('trail [words...]', 'search the trail, or show one entry', 'trail --kind verdict --gate M1')
  .option('--kind <kind>', 'claim, run, verdict, finding, act and so on')
  .option('--gate <gate>', 'entries about this gate')
  .option('--phase <id>', 'entries of this phase')
  .option('--from <entry>', 'entries from this number on')
  .option('--limit <count>', 'how many to list, 40 by default')
  .option('--entry <entry>', 'this one, whole')
  .action((words, options) =>
    answer(options, async () => searchTrail(await place(options), { words, ...options }), sayTrail),
  );

add('inbox', 'what waits for you, with the commands that settle it', 'inbox').action((options) =>
  answer(options, async () => inbox(await place(options), nowMs()), sayInbox),
);

for (const command of actCommands) addAct(command);

add('audit [files...]', 'check the trail offline, or files of an older practice', 'audit --root SHA256:… --head COMMIT')
  .option('--root <fingerprint>', 'the key that must have signed its first commit')
  .option('--head <commit>', 'a commit that it must hold')
  .option('--hub <folder>', "another hub than this workspace's")
  .option('--since-last', 'only what came after the last sound audit, on its word for the rest')
  .option('--repo <folder>', 'with files: look up in this repository the commits that they cite')
  .action((files: string[], options) => {
    if (files.length > 0) return answer(options, () => auditPlain(asked(options), files, options), sayPlain);
    return answer(options, () => auditTrail(asked(options), options), sayAudit);
  });

add('export [phase]', 'signed statements of runs and gates (DSSE, in-toto), for openssl', 'export --out ./statements')
  .requiredOption('--out <folder>', 'an empty folder, or one to be made')
  .option('--resource <uri>', 'what your readers call the repository, such as git+https://example.org/x.git')
  .action((phase, options) =>
    answer(options, () => exportStatements(asked(options), { ...options, ...(phase && { phase }) }), sayExported),
  );

add('calibrate', 'how much the configured model detects, on claims whose truth is known', 'calibrate --role adversary')
  .requiredOption('--role <role>', 'whose model judges: adversary')
  .option('--usd <amount>', 'the most that it may cost, 10 by default', Number)
  .addHelpText('after', '\nExit: 0 every case was judged, 4 not all were. A plan may demand a floor: calibration.')
  .action(async (options) => {
    const { calibrateHere, sayCalibration, sayCase } = await load.calibrate();
    const shown = options.json ? {} : { onCase: (one: JudgedCase) => sayCase(one, out), onNote: out.line };
    const given = { asked: asked(options), role: options.role, usd: options.usd ?? null, clock, ...shown };
    return answer(options, () => calibrateHere({ ...given, signal: interruptible() }), sayCalibration);
  });

program
  .command('demo')
  .description('a whole phase on a sample project, played by a script: no key, no service')
  .option('--dir <folder>', 'put everything there: an empty folder, or one to be made')
  .option('--json', 'say it as one JSON document')
  .addHelpText('after', '\nExample:\n  coldpass demo --dir ./first-light')
  .action(async (options) => {
    const { demo, sayDemo, sayGround, sayUnboxed } = await load.demo();
    const { onProgress } = follow(out, nowMs);
    const told = (progress: Progress) => {
      sayUnboxed(progress, out);
      onProgress(progress);
    };
    const shown = options.json ? {} : { onLaid: (laid: DemoGround) => sayGround(laid, out), onProgress: told };
    const given = { ...options, ...asked({}), nodePath: process.execPath, clock, signal: interruptible(), ...shown };
    // A new folder unless one is named: the demo's ground is never where it is typed.
    return answer(options, () => demo({ ...given, dir: options.dir }), sayDemo);
  });

process.stdout.on('error', () => process.exit(exits.yes)); // whoever read us has seen enough
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}

/** What commander has against the arguments, on one line. */
function sayMistake(text: string, write: (line: string) => void): void {
  const [line = '', ...hints] = text.trim().split('\n');
  write(`${[line.replace(/^error: /, 'coldpass: '), ...hints].join(' ')}\n`);
}

/** A command in the list of them: its name and arguments. */
function termOf(command: Command): string {
  const names = command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`));
  return [command.name(), ...names].join(' ');
}

function add(spec: string, summary: string, example: string): Command {
  return common(program.command(spec), summary, example);
}

function common(command: Command, summary: string, example: string): Command {
  return command
    .description(summary)
    .option('--json', 'say it as one JSON document')
    .option('--state <folder>', 'where the state lies, if not in the usual place')
    .addHelpText('after', `\nExample:\n  coldpass ${example}`);
}

/** An act: what was typed, by the names of its arguments and options, is the decision. */
function addAct({ spec, summary, example, options, needed }: ActCommand): void {
  const [name = '', ...words] = spec.split(' ');
  const names = words.map((word) => word.slice(1, -1));
  const isOfAny = !names.includes('phase') && name !== 'rotate';
  const command = add(spec, summary, example);
  if (isOfAny) command.option('--phase <id>', 'by default the one that is open or parked');
  command.option('--expires <span>', 'how long it may wait to be taken up, such as 2d; a day by default');
  for (const [flags, says] of options) command.option(flags, says);
  for (const [flags, says] of needed) command.requiredOption(flags, says);
  command.action((...given) => {
    const { phase, expires, json, state, ...more } = given[names.length];
    const typed = Object.fromEntries(names.map((key, at) => [key, given[at]]));
    const decision = { act: name, ...typed, ...more } as Decision;
    const about = {
      env: process.env,
      dir: process.cwd(),
      now: now(),
      ...(phase && { phase }),
      ...(expires && { expires }),
    };
    return answer({ json }, async () => decide(decision, { place: await place({ state }), ...about }), sayAct);
  });
}

/** Does it, says it, and ends this process with the report's exit code. */
async function answer<R extends { exit: Exit }>(
  { json }: Common,
  make: () => Promise<R>,
  say: (report: R, out: Screen) => void,
): Promise<never> {
  const report = await make();
  out.running([]);
  if (json) out.json(report);
  else say(report, out);
  out.close();
  await written();
  return process.exit(report.exit);
}

/** What a slow reader of our pipe has not taken yet would be lost by the exit. */
function written(): Promise<void> {
  return new Promise((resolve) => process.stdout.write('', () => resolve()));
}

function asked({ state }: Common): Asked {
  const uid = process.getuid?.() ?? -1;
  return { dir: process.cwd(), env: process.env, home: homedir(), uid, ...(state && { stateDir: state }) };
}

function place(options: Common): Promise<Here> {
  return here(asked(options));
}

/** Aborts on the first Ctrl-C or SIGTERM; the second ends this process at once. */
function interruptible(says = 'coldpass: stopping; once more ends it at once\n'): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exits.machine);
    process.stderr.write(says);
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  return controller.signal;
}

function fail(error: unknown): never {
  out.close();
  // Commander has said what is wrong, or has shown what was asked for.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? exits.yes : exits.usage);
  const { line, exit } = faultOf(error, process.pid);
  process.stderr.write(`coldpass: ${line}\n`);
  return process.exit(exit);
}
