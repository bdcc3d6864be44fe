// Descriptors that this process was itself started with, and would hand on to every box: terminals of editors and job
// runners leave some open. What node itself opens closes on exec. Found once, and closed on the way to each box.

import { readdirSync, readFileSync } from 'node:fs';

const closeOnExec = 0o2000000;
const standard = 3;

/** Numbers above standard error that a child would inherit now. */
export function inheritable(): number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => fd >= standard && !closes(fd));
}

/** Shell text that closes them. */
export function closings(fds: number[]): string {
  return fds.length === 0 ? '' : `exec ${fds.map((fd) => `${fd}>&-`).join(' ')}; `;
}

/** A shell that can close these, up to its `-c`: a plain sh knows only ten descriptors. */
export function shellThat(shells: { sh: string; bash: string }, fds: number[]): string[] {
  // --norc: with a socket as its standard input bash takes itself for a remote login and reads the user's ~/.bashrc.
  return fds.every((fd) => fd < 10) ? [shells.sh, '-c'] : [shells.bash, '--norc', '-c'];
}

/** Words to put before a command so that it starts without these. */
export function shedding(shells: { sh: string; bash: string }, fds: number[]): string[] {
  return fds.length === 0 ? [] : [...shellThat(shells, fds), `${closings(fds)}exec "$@"`, 'sh'];
}

function closes(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return true; // the folder's own, closed since
  }
}
