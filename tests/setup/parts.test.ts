import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Part } from '../support/long.ts';
import { tempDir } from '../support/temp.ts';
import { changedParts, digestOfPart, longFiles, parts } from './parts.ts';

const test = 'tests/live/recipes.swarm.test.ts';
const whole = {
  [test]: "import { up } from '../../runner/up.ts';\nconst text = `import x from './nowhere.ts';`;",
  'runner/up.ts': "export { up } from '../state/deep.ts';",
  'state/deep.ts': 'export const up = 1;',
  'state/other.ts': 'export const other = 1;',
  'recipes/app/compose.yml': 'services: {}',
  'package-lock.json': '{}',
};

function tree(changes: Record<string, string> = {}): string {
  const top = tempDir();
  for (const [path, text] of Object.entries({ ...whole, ...changes })) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
  }
  return top;
}

describe('a part of the suite', () => {
  it.each([
    ['the test itself', test],
    ['a file that it imports through another', 'state/deep.ts'],
    ['a file in one of its folders', 'recipes/app/compose.yml'],
    ['the lockfile', 'package-lock.json'],
  ])('runs whole once %s changed', (_what, path) => {
    expect(digestOfPart('apps', tree({ [path]: 'changed' }))).not.toBe(digestOfPart('apps', tree()));
  });

  it('runs in part if it depends on nothing that changed', () => {
    expect(digestOfPart('apps', tree({ 'state/other.ts': 'changed' }))).toBe(digestOfPart('apps', tree()));
  });

  it('runs whole if its last whole run is not recorded or was of other sources', () => {
    const at = '2026-11-30T00:00:00Z';
    expect(changedParts({})).toEqual(Object.keys(parts));
    expect(changedParts({ attacks: { digest: 'another', at } })).toEqual(Object.keys(parts));
    expect(changedParts({ attacks: { digest: digestOfPart('attacks'), at } })).not.toContain('attacks');
  });

  it('runs whole in `npm run long`, which also runs every file of properties', () => {
    const long = longFiles();
    const each = Object.keys(parts) as Part[];
    expect(long).toEqual(
      expect.arrayContaining(each.flatMap((part) => [...parts[part].files, ...parts[part].onlyWhole])),
    );
    expect(long.filter((file) => /framing|history|interpolate/.test(file))).toHaveLength(3);
  });
});
