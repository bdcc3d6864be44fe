// Shell commands that the Builder runs in its clone: sound work on each sample, and the parts of it that attacks vary.

/** `add.sh` as it should be, and a test that checks it. */
export const goodAdd = `echo 'echo $(($1 + $2))' > add.sh`;
export const goodTest = `echo '[ "$(sh add.sh 2 3)" = 5 ]' > tests/add.test.sh`;
export const sound = `${goodAdd}\n${goodTest}`;

/** A shell command that writes a file with this text. */
export function lay(path: string, text: string): string {
  return `mkdir -p "$(dirname '${path}')"; cat > '${path}' <<'LAID'\n${text}\nLAID`;
}

export const nodeAdd = lay('add.js', 'export function add(a, b) {\n  return a + b;\n}');
export const nodeTest = lay(
  'tests/add.test.js',
  `import assert from 'node:assert/strict';
import test from 'node:test';
import { add } from '../add.js';

test('adds', () => assert.equal(add(2, 3), 5));`,
);
export const nodeSound = `${nodeAdd}\n${nodeTest}`;

export const pythonAdd = lay('sums.py', 'def add(a, b):\n    return a + b');
export const pythonTest = lay(
  'tests/test_sums.py',
  'from sums import add\n\n\ndef test_adds():\n    assert add(2, 3) == 5',
);
export const pythonSound = `${pythonAdd}\n${pythonTest}`;
