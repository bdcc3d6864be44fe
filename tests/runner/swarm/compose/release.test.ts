import { describe, expect, it } from 'vitest';
import { priorRelease } from '../../../../runner/swarm/compose/release.ts';
import { compareReleases, Release } from '../../../../state/entry/recipe.ts';

const releases = ['2.0.0+7.4', '1.10.0+7.3', '1.9.0+7.3'].map((version, at) =>
  Release.parse({ version, sha: `${at}`.repeat(40) }),
);
const previous = { upgradeFrom: 'previous' as const, notApplicable: {} };

describe('the release that an upgrade starts from', () => {
  it('is the newest release older than the version under test', () => {
    expect(priorRelease(previous, releases, '2.1.0+7.4')).toMatchObject({ version: '2.0.0+7.4' });
    expect(priorRelease(previous, releases, '2.0.0+7.4')).toMatchObject({ version: '1.10.0+7.3' });
    expect(priorRelease(previous, releases, null)).toMatchObject({ version: '2.0.0+7.4' });
  });

  it('is null if no older release is tagged, or the recipe says that no upgrade applies', () => {
    expect(priorRelease(previous, releases, '1.0.0+1')).toBeNull();
    expect(priorRelease(previous, [], '1.0.0+1')).toBeNull();
    expect(
      priorRelease({ ...previous, notApplicable: { upgrade: 'the first release' } }, releases, '3.0.0+8'),
    ).toBeNull();
  });

  it('is the one that the recipe names; an unknown one is refused', () => {
    const named = (version: string) => ({ upgradeFrom: version as Release['version'], notApplicable: {} });
    expect(priorRelease(named('1.9.0+7.3'), releases, '2.1.0+8')).toMatchObject({ version: '1.9.0+7.3' });
    expect(priorRelease(named('1.8.0+7.3'), releases, '2.1.0+8')).toEqual({
      refused: expect.stringMatching(
        /^upgradeFrom names 1\.8\.0\+7\.3, which is not an annotated tag here; choose from 2\.0\.0\+7\.4/,
      ),
    });
  });
});

describe('the order of versions', () => {
  const sorted = ['0.9.0+1', '1.0.0+2.9-rc1', '1.0.0+2.9', '1.0.0+2.10', '1.2.0+1', '1.10.0+1', '2.0.0+0'];
  it('is numeric, not alphabetical', () => {
    expect([...sorted].reverse().sort(compareReleases)).toEqual(sorted);
  });
});
