import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';

describe('backup', () => {
  test('dumps the notes into the volume that is backed up', async () => {
    expect(await app.output('db', 'gzip -dc /dumps/notes.sql.gz')).toContain(`worth a backup, ${app.run}`);
  });
});
