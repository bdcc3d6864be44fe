// How an app's files are turned down: one line with the file's line, what stands there, and what to do instead. Pure. It is
// thrown deep inside the reading of compose files and caught by openApp alone; nobody else sees it. What the app wrote is
// shown bounded and on one line.

const shownCharsMax = 80;
const lineCharsMax = 400;

export class Refused extends Error {}

/** `at` is `compose.yml:12`, `path` is `services.app.volumes`; either may be ''. */
export function refuse(at: string, path: string, what: string, fix: string): never {
  const lead = [at, path].filter((part) => part !== '').join(': ');
  throw new Refused(oneLine(`${lead === '' ? '' : `${lead}: `}${what}; ${fix}`).slice(0, lineCharsMax));
}

/** What an app wrote, fit for a message. */
export function shown(text: string): string {
  const line = oneLine(text);
  return line.length > shownCharsMax ? `${line.slice(0, shownCharsMax)}…` : line;
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, ' ').trim();
}
