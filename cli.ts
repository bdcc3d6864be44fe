// The command line: lists the commands, and is the only file that knows this process (arguments, environment, signals,
// exit code). A command is a function in operator/ that returns data; another one beside it puts the data into words.
//
// Exit: 0 yes · 1 no · 2 usage or bad input · 3 needs you · 4 the machine failed

import { homedir } from 'node:os';
import { Command, CommanderError } from 'commander';
import { systemClock } from './agents/model/clock.ts';
import type { LoopProgress } from './loop/hands/world.ts';
import { type ActDecision, decideAct, sayAct } from './operator/acts/act.ts';
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
import type { CommandContext, Here } from './operator/workspace/place.ts';
import type { JudgedCase } from './state/trail/calibration.ts';

type Common = { json?: boolean; state?: string };
/** The slowest modules to load: the model's SDK, sandbox and supervisor. Loaded only by the commands that use them. */
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
  .version('0.1.0', '-V, --version', 'show the version')
  .exitOverride()
  .helpOption('-h, --help', 'show help')
  .configureHelp({ subcommandTerm: termOf, visibleCommands: (command) => [...command.commands], helpWidth: 110 })
  .configureOutput({ outputError: sayMistake })
  .addHelpText('after', '\nRun `coldpass COMMAND --help` for the options of a command and an example.');

program.commandsGroup('Set up:');

program
  .command('demo')
  .description('play a whole phase on a sample project: scripted agents, no key needed')
  .option('--dir <folder>', 'put everything there: an empty or a new folder')
  .option('--json', 'print one JSON document')
  .addHelpText('after', '\nExample:\n  coldpass demo --dir ./first-light')
  .action(async (options) => {
    const { demo, sayDemo, sayGround, sayUnboxed } = await load.demo();
    const { onProgress } = follow(out, nowMs);
    const show = (progress: LoopProgress) => {
      sayUnboxed(progress, out);
      onProgress(progress);
    };
    const shown = options.json ? {} : { onLaid: (laid: DemoGround) => sayGround(laid, out), onProgress: show };
    const settings = { ...options, ...asked({}), nodePath: process.execPath, clock, signal: interruptible(), ...shown };
    // The demo gets a new folder unless you name one; it never uses the current folder.
    return answer(options, () => demo({ ...settings, dir: options.dir }), sayDemo);
  });

add('init', 'write coldpass.yml and the state', 'init')
  .option('--name <name>', "the workspace's name (default: the folder's name)")
  .option('--base <branch>', 'the branch that phases start from')
  .option('--key <file>', 'your own ed25519 key, or the .pub file of a key in your ssh-agent')
  .option('--tool <name=folder...>', 'grant a tool folder besides those found')
  .option('--host <host...>', 'grant a network host besides those found')
  .option('--docker <socket>', 'grant a Docker engine, for app recipes')
  .action((options) => {
    const nodePath = process.execPath;
    const settings = { ...options, ...asked(options), ...grantOptions(options), nodePath, now: now() };
    return answer(options, () => init(settings), sayInit);
  });

add('doctor', 'check this machine and say how to fix what fails', 'doctor').action((options) => {
  const nodeVersion = process.versions.node;
  const docker = async (socket: string) => (await load.docker()).dockerReport(socket);
  const make = async () =>
    doctor({ ...asked(options), nodeVersion, docker, sandbox: (await load.sandbox()).sandboxOf });
  return answer(options, make, sayDoctor);
});

program.commandsGroup('Run:');

const plan = program.command('plan').description('start a plan, or check one');
common(plan.command('new <title>'), 'write a new plan in this folder', 'plan new "list --json"').action(
  (title, options) => answer(options, () => planNew(asked(options), title), sayPlanMade),
);
common(plan.command('check <file>'), 'list what is wrong with a plan', 'plan check plan-phase-x.md').action(
  (file, options) => answer(options, () => planCheck(asked(options), file), sayPlanChecked),
);

add('try [recipe]', 'make one cold run of what is committed', 'try unit --ref main')
  .option('--ref <ref>', 'a branch, tag or commit (default: what is checked out)')
  .option('--keep', 'leave a red run standing until Ctrl-C, so that you can look at it')
  .action((recipe, options) => {
    const shown = options.json ? {} : { onProgress: followRun(out, nowMs), onNote: out.line };
    const settings = { ...options, ...(recipe && { recipe }), asked: asked(options), now, ...shown };
    return answer(options, async () => (await load.try()).tryRun({ ...settings, signal: interruptible() }), sayTry);
  });

add('run [plan]', 'run a phase to DONE; rerun to resume', 'run plan-phase-x.md').action((file, options) => {
  const shown = options.json ? {} : { onProgress: follow(out, nowMs).onProgress, onNote: out.line };
  const settings = { asked: asked(options), ...(file && { plan: file }), clock, signal: interruptible(), ...shown };
  return answer(options, async () => (await load.run()).run(settings), sayRun);
});

program.commandsGroup('Watch:');

add('status', 'show phases, gates, who is awake and what was spent', 'status').action((options) =>
  answer(options, async () => status(await place(options), nowMs()), sayStatus),
);

add('watch', 'show the status, then each new entry that matters', 'watch').action((options) => {
  const watching = { nowMs, signal: interruptible(''), out, json: options.json === true };
  return answer(
    {},
    async () => watch({ place: await place(options), ...watching }),
    () => undefined,
  );
});

add('explain <gate>', 'show why a gate holds or not: each condition with its evidence', 'explain M1')
  .option('--phase <id>', 'which phase (default: the open one, else the newest)')
  .action((gate, options) =>
    answer(options, async () => explain(await place(options), gate, options.phase, nowMs()), sayExplained),
  );

add('trail [words...]', 'search the trail, or show one entry', 'trail --kind verdict --gate M1')
  .option('--kind <kind>', 'claim, run, verdict, finding, act and so on')
  .option('--gate <gate>', 'entries about this gate')
  .option('--phase <id>', 'entries of this phase')
  .option('--from <entry>', 'entries from this number on')
  .option('--limit <count>', 'how many to list (default: 40)')
  .option('--entry <entry>', 'show this entry in full')
  .action((words, options) =>
    answer(options, async () => searchTrail(await place(options), { words, ...options }), sayTrail),
  );

add('runs [run]', 'list the runs, or show one with what failed', 'runs r-4f2a90b1c3d5')
  .option('--badge', "print the run's level as an SVG badge")
  .action((id, options) => {
    if (id) return answer(options, async () => showRun(await place(options), id), options.badge ? sayBadge : sayOneRun);
    return answer(options, async () => listRuns(await place(options)), sayRuns);
  });

program.commandsGroup('Decide:');

add('inbox', 'list what waits for you, with the commands that settle it', 'inbox').action((options) =>
  answer(options, async () => inbox(await place(options), nowMs()), sayInbox),
);

for (const command of actCommands) addAct(command);

program.commandsGroup('Verify:');

add('audit [files...]', 'check the trail offline, or logs kept by hand', 'audit --root SHA256:… --head COMMIT')
  .option('--root <fingerprint>', 'the key that must have signed the first commit')
  .option('--head <commit>', 'a commit that the trail must contain')
  .option('--hub <folder>', "audit this hub instead of the workspace's")
  .option('--since-last', 'check only what came after the last sound audit, and trust that audit for the rest')
  .option('--repo <folder>', 'with files: look up the commits that they cite in this repository')
  .action((files: string[], options) => {
    if (files.length > 0) return answer(options, () => auditPlain(asked(options), files, options), sayPlain);
    return answer(options, () => auditTrail(asked(options), options), sayAudit);
  });

add('challenge <run>', 'rerun a recorded run here and compare it test by test', 'challenge r-4f2a90b1c3d5')
  .addHelpText('after', '\nExit: 0 alike, 1 not, 4 the machine failed. The result is not recorded on the trail.')
  .action((run, options) => {
    const shown = options.json ? {} : { onProgress: followRun(out, nowMs), onNote: out.line };
    const make = async () =>
      (await load.challenge()).challenge(await place(options), run, { now, ...shown, signal: interruptible() });
    return answer(options, make, sayChallenge);
  });

add('export [phase]', 'write signed statements of runs and gates (in-toto, DSSE)', 'export --out ./statements')
  .requiredOption('--out <folder>', 'an empty or a new folder')
  .option('--resource <uri>', 'the URI by which readers know the repository, such as git+https://example.org/x.git')
  .action((phase, options) =>
    answer(options, () => exportStatements(asked(options), { ...options, ...(phase && { phase }) }), sayExported),
  );

add('calibrate', 'measure how well the configured model judges claims of known truth', 'calibrate --role adversary')
  .requiredOption('--role <role>', 'the role to calibrate: adversary')
  .option('--usd <amount>', 'the most that it may cost, in dollars (default: 10)', Number)
  .addHelpText('after', '\nExit: 0 every case was judged, 4 some were not. A plan may demand a floor: `calibration`.')
  .action(async (options) => {
    const { calibrateHere, sayCalibration, sayCase } = await load.calibrate();
    const shown = options.json ? {} : { onCase: (one: JudgedCase) => sayCase(one, out), onNote: out.line };
    const settings = { asked: asked(options), role: options.role, usd: options.usd ?? null, clock, ...shown };
    return answer(options, () => calibrateHere({ ...settings, signal: interruptible() }), sayCalibration);
  });

process.stdout.on('error', () => process.exit(exits.yes)); // our reader has seen enough and closed the pipe
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}

/** Prints commander's complaint about the arguments on one line. */
function sayMistake(text: string, write: (line: string) => void): void {
  const [line = '', ...hints] = text.trim().split('\n');
  write(`${[line.replace(/^error: /, 'coldpass: '), ...hints].join(' ')}\n`);
}

/** A command's entry in the list of commands: its name and arguments. */
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
    .option('--json', 'print one JSON document')
    .option('--state <folder>', 'the state folder, if not the default one')
    .helpOption('-h, --help', 'show help')
    .addHelpText('after', `\nExample:\n  coldpass ${example}`);
}

/** Adds the command of an act. The decision is what you typed, keyed by the names of the arguments and options. */
function addAct({ spec, summary, example, options, needed }: ActCommand): void {
  const [name = '', ...words] = spec.split(' ');
  const names = words.map((word) => word.slice(1, -1));
  const takesPhase = !names.includes('phase') && name !== 'rotate';
  const command = add(spec, summary, example);
  for (const [flags, help] of needed) command.requiredOption(flags, help);
  for (const [flags, help] of options) command.option(flags, help);
  if (takesPhase) command.option('--phase <id>', 'which phase (default: the open or parked one)');
  command.option('--expires <span>', 'how long the act may wait to be accepted, such as 2d (default: a day)');
  command.action((...values) => {
    const { phase, expires, json, state, ...more } = values[names.length];
    const args = Object.fromEntries(names.map((key, at) => [key, values[at]]));
    const decision = { act: name, ...args, ...more } as ActDecision;
    const about = {
      env: process.env,
      dir: process.cwd(),
      now: now(),
      ...(phase && { phase }),
      ...(expires && { expires }),
    };
    return answer({ json }, async () => decideAct(decision, { place: await place({ state }), ...about }), sayAct);
  });
}

/** Makes the report, prints it, and ends this process with its exit code. */
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

/** Waits until a slow reader of our pipe has taken all output: exiting earlier would lose the rest. */
function written(): Promise<void> {
  return new Promise((resolve) => process.stdout.write('', () => resolve()));
}

function asked({ state }: Common): CommandContext {
  const uid = process.getuid?.() ?? -1;
  return { dir: process.cwd(), env: process.env, home: homedir(), uid, ...(state && { stateDir: state }) };
}

function place(options: Common): Promise<Here> {
  return here(asked(options));
}

/** Aborts on the first Ctrl-C or SIGTERM; the second ends this process at once. */
function interruptible(message = 'coldpass: stopping; press Ctrl-C again to quit now\n'): AbortSignal {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exits.machine);
    process.stderr.write(message);
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  return controller.signal;
}

function fail(error: unknown): never {
  out.close();
  // Commander has already printed what is wrong, or the help.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? exits.yes : exits.usage);
  const { line, exit } = faultOf(error, process.pid);
  process.stderr.write(`coldpass: ${line}\n`);
  return process.exit(exit);
}
