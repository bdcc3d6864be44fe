// Descriptors that this process inherited and would pass on to every box: editors' terminals and job runners leave some
// open. (What node itself opens closes on exec.) They are listed once, and closed on the way into each box.

import { readdirSync, readFileSync } from 'node:fs';

const closeOnExec = 0o2000000;
const standard = 3;

/** Descriptors above standard error that a child would inherit now. */
export function inheritable(): number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => fd >= standard && !closes(fd));
}

/** Shell text that closes these descriptors. */
export function closings(fds: number[]): string {
  return fds.length === 0 ? '' : `exec ${fds.map((fd) => `${fd}>&-`).join(' ')}; `;
}

/** Command words, up to `-c`, of a shell that can close these: a plain sh knows only ten descriptors. */
export function shellThat(shells: { sh: string; bash: string }, fds: number[]): string[] {
  // --norc: with a socket as standard input, bash assumes a remote login and reads the user's ~/.bashrc.
  return fds.every((fd) => fd < 10) ? [shells.sh, '-c'] : [shells.bash, '--norc', '-c'];
}

/** Words to put before a command so that it starts without these descriptors. */
export function shedding(shells: { sh: string; bash: string }, fds: number[]): string[] {
  return fds.length === 0 ? [] : [...shellThat(shells, fds), `${closings(fds)}exec "$@"`, 'sh'];
}

function closes(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return true; // the one that listed the folder, closed by now
  }
}
