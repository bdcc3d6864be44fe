import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sayAudit } from '../../../operator/audit/audit.ts';
import { paint } from '../../../operator/terminal/print.ts';
import { audit } from '../../../state/audit/audit.ts';
import { workspace } from '../../support/phase/cli.ts';
import { git } from '../../support/repo.ts';
import { tempDir } from '../../support/temp.ts';
import { honestPhase } from '../../support/trail/phase.ts';

describe('coldpass audit --since-last', () => {
  it('looks only at what came after the last sound audit; without it an audit is whole', async () => {
    const { type, state } = await workspace();
    const first = await type(['audit', '--since-last']);
    expect(first).toMatchObject({ exit: 0, err: '' });
    expect(first.out).toMatch(/everything was looked at: no audit was kept yet/);
    expect(existsSync(join(state, 'audit.mark'))).toBe(true);

    expect(JSON.parse((await type(['audit', '--since-last', '--json'])).out)).toMatchObject({ since: { entry: 0 } });
    expect(JSON.parse((await type(['audit', '--json'])).out)).toMatchObject({ since: null, notes: [] });

    writeFileSync(join(state, 'audit.mark'), 'x');
    expect((await type(['audit', '--since-last'])).out).toMatch(/everything was looked at: what was kept is damaged/);
  });

  it('finds nothing kept beside a hub elsewhere, and keeps nothing there', async () => {
    const { type, state, dir } = await workspace();
    const hub = join(dir, 'mirror.git');
    git(dir, ['clone', '--quiet', '--mirror', join(state, 'hub.git'), hub]);
    const { exit, out } = await type(['audit', '--since-last', '--hub', hub]);
    expect(exit).toBe(0);
    expect(out).toMatch(/everything was looked at: beside this hub nothing is kept/);
    expect(existsSync(join(state, 'audit.mark'))).toBe(false);
  });

  it('says what it did not look at', async () => {
    const { hub, ids, headsLog } = await honestPhase(tempDir());
    const options = { hub: hub.dir, headsLog, mark: join(tempDir(), 'audit.mark') };
    expect(await said(options)).toMatch(/^SOUND {2}\d+ entries/m);
    const spared = await said({ ...options, sinceMark: true });
    expect(spared).toMatch(
      new RegExp(
        `^#1 to #${ids.done} were sound at .*, and were not checked again: only a full audit finds later damage`,
        'm',
      ),
    );
    expect(spared).toMatch(new RegExp(`^SOUND since #${ids.done} `, 'm'));
  });
});

async function said(options: Parameters<typeof audit>[0]): Promise<string> {
  const lines: string[] = [];
  const line = (text: string | { text: string }) => void lines.push(typeof text === 'string' ? text : text.text);
  sayAudit({ exit: 0, ...(await audit(options)) }, { line, paint: paint(false) } as never);
  return lines.join('\n');
}
