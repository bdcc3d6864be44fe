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
  it('checks only what came after the last sound audit; without the option, an audit checks everything', async () => {
    const { type, state } = await workspace();
    const first = await type(['audit', '--since-last']);
    expect(first).toMatchObject({ exit: 0, err: '' });
    expect(first.out).toMatch(/checked the whole trail: no earlier audit is on record/);
    expect(existsSync(join(state, 'audit.mark'))).toBe(true);

    expect(JSON.parse((await type(['audit', '--since-last', '--json'])).out)).toMatchObject({ since: { entry: 0 } });
    expect(JSON.parse((await type(['audit', '--json'])).out)).toMatchObject({ since: null, notes: [] });

    writeFileSync(join(state, 'audit.mark'), 'x');
    expect((await type(['audit', '--since-last'])).out).toMatch(/checked the whole trail: the mark is damaged/);
  });

  it('neither reads nor writes a mark for a hub elsewhere', async () => {
    const { type, state, dir } = await workspace();
    const hub = join(dir, 'mirror.git');
    git(dir, ['clone', '--quiet', '--mirror', join(state, 'hub.git'), hub]);
    const { exit, out } = await type(['audit', '--since-last', '--hub', hub]);
    expect(exit).toBe(0);
    expect(out).toMatch(/checked the whole trail: no mark is kept for this hub/);
    expect(existsSync(join(state, 'audit.mark'))).toBe(false);
  });

  it('says which entries it did not check', async () => {
    const { hub, ids, headsLog } = await honestPhase(tempDir());
    const options = { hub: hub.dir, headsLog, mark: join(tempDir(), 'audit.mark') };
    expect(await reportText(options)).toMatch(/^SOUND {2}\d+ entries/m);
    const spared = await reportText({ ...options, sinceMark: true });
    expect(spared).toMatch(
      new RegExp(
        `^#1 to #${ids.done} were sound at .*, and were not checked again: only a full audit finds later damage`,
        'm',
      ),
    );
    expect(spared).toMatch(new RegExp(`^SOUND since #${ids.done} `, 'm'));
  });
});

async function reportText(options: Parameters<typeof audit>[0]): Promise<string> {
  const lines: string[] = [];
  const line = (text: string | { text: string }) => void lines.push(typeof text === 'string' ? text : text.text);
  sayAudit({ exit: 0, ...(await audit(options)) }, { line, paint: paint(false) } as never);
  return lines.join('\n');
}
