// The reports of `init` and `doctor` in words.

import { exits } from '../terminal/errors.ts';
import { type Painted, type Screen, styled } from '../terminal/print.ts';
import type { DoctorReport } from './doctor.ts';
import type { InitReport } from './init.ts';

/** What was created, what was granted, what to type next. */
export function sayInit(report: InitReport, out: Screen): void {
  const { paint } = out;
  const notes = report.notes.map((note) => styled`${paint.warn('note')}    ${note}`);
  const lines = report.changed ? [...madeLines(report, out), ...grantLines(report, out)] : [unchanged(report)];
  for (const line of [...lines, ...notes, nextLine(report)]) out.line(line);
}

/** One line for each check, with its remedy, if any, below it. */
export function sayDoctor(report: DoctorReport, out: Screen): void {
  for (const { state, what, remedy } of report.checks) {
    out.line(styled`${out.paint.outcome(state)}${' '.repeat(5 - state.length)}${what}`);
    if (remedy !== null) out.line(styled`     ${out.paint.dim('→')} ${remedy}`);
  }
  const { warn, fail } = report.counts;
  const warnings = `ready, with ${warn} ${warn === 1 ? 'warning' : 'warnings'}`;
  out.line(fail > 0 ? `${fail} to fix before a gate can hold` : warn > 0 ? warnings : 'ready');
}

function unchanged({ workspace, stateDir }: InitReport): string {
  return `nothing changed: ${workspace.name} is already set up, with its state in ${stateDir}`;
}

function madeLines({ proposed, madeState, madeKey, stateDir, workspace }: InitReport, { paint }: Screen): Painted[] {
  const unknown = 'could not find out how this project is tested; complete the lines marked <-';
  return [
    ...(proposed ?? []).map(
      ({ name, what }) => styled`${paint.good('wrote')}   coldpass.yml, recipe "${name}": ${what}`,
    ),
    ...(proposed?.length === 0 ? [styled`${paint.warn('wrote')}   coldpass.yml: ${unknown}`] : []),
    ...(madeState ? [styled`${paint.good('created')} the state in ${stateDir}, root ${workspace.root}`] : []),
    ...(madeKey
      ? [
          styled`${paint.good('created')} your key ${workspace.operator.key.path}, which signs your decisions; keep a copy`,
        ]
      : []),
  ];
}

function grantLines({ granted }: InitReport, { paint }: Screen): Painted[] {
  return [
    ...granted.tools.map(
      ({ name, path }) => styled`${paint.bold('granted')} tool folder "${name}": ${path}, read-only`,
    ),
    ...granted.hosts.map((host) => styled`${paint.bold('granted')} network host ${host}, for stages that name it`),
    ...(granted.docker === null
      ? []
      : [styled`${paint.bold('granted')} the Docker engine at ${granted.docker}, for deploying apps; no box sees it`]),
  ];
}

function nextLine({ exit, proposed }: InitReport): string {
  if (exit === exits.yes) return 'next: coldpass try';
  return proposed?.length === 0
    ? 'next: complete coldpass.yml, then type: coldpass try'
    : 'next: follow the notes, then type: coldpass doctor';
}
