// The refusal of an app's files: one line with the position, what is wrong there and how to fix it. Pure. Thrown deep
// inside the compose reader and caught only by openApp. Text from the app is shortened and put on one line.

const shownCharsMax = 80;
const lineCharsMax = 400;

export class AppRefused extends Error {}

/** `at` is `compose.yml:12`, `path` is `services.app.volumes`; either may be ''. */
export function refuse(at: string, path: string, what: string, fix: string): never {
  const lead = [at, path].filter((part) => part !== '').join(': ');
  throw new AppRefused(oneLine(`${lead === '' ? '' : `${lead}: `}${what}; ${fix}`).slice(0, lineCharsMax));
}

/** Text from an app, made safe for a message. */
export function shown(text: string): string {
  const line = oneLine(text);
  return line.length > shownCharsMax ? `${line.slice(0, shownCharsMax)}…` : line;
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, ' ').trim();
}
