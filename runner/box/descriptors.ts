// Finds the descriptors that this process inherited and would pass on to every box (editors' terminals and job runners
// leave some open), and closes them on the way into each box. Descriptors that node itself opens are closed by exec.

import { readdirSync, readFileSync } from 'node:fs';

const closeOnExec = 0o2000000;
const standard = 3;

/** Descriptors above standard error that a child would inherit now. */
export function inheritable(): number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => fd >= standard && !closes(fd));
}

/** Shell text that closes the descriptors `fds`. */
export function closings(fds: number[]): string {
  return fds.length === 0 ? '' : `exec ${fds.map((fd) => `${fd}>&-`).join(' ')}; `;
}

/** Words, up to `-c`, that start a shell able to close `fds`: a plain sh can name only descriptors 0 to 9. */
export function shellThat(shells: { sh: string; bash: string }, fds: number[]): string[] {
  // --norc: with a socket as standard input, bash assumes a remote login and reads the user's ~/.bashrc.
  return fds.every((fd) => fd < 10) ? [shells.sh, '-c'] : [shells.bash, '--norc', '-c'];
}

/** Words to put before a command so that it starts without the descriptors `fds`. */
export function shedding(shells: { sh: string; bash: string }, fds: number[]): string[] {
  return fds.length === 0 ? [] : [...shellThat(shells, fds), `${closings(fds)}exec "$@"`, 'sh'];
}

function closes(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return true; // the descriptor that listed the folder is closed by now
  }
}
