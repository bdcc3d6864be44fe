import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';

describe('backup', () => {
  test('leaves no dump behind', async () => {
    expect(await app.output('db', 'ls -A /dumps/sql')).toBe('');
  });
});
