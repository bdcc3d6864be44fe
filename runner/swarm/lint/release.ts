// Lint rules about the whole app: the version of its files, its main service, its releases. Pure.

import { type LintGround, type LintHit, type LintRule, labelsOf, subtree, written } from './ground.ts';

const release = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})\+[A-Za-z0-9._-]+$/;

export const releaseRules: LintRule[] = [
  {
    id: 'C002',
    severity: 'error',
    title: 'every compose file declares the same version',
    look: ({ compose }) => {
      const first = written(subtree(compose[0]?.tree, 'version')) ?? '3.8';
      return compose.flatMap(({ file, tree }): LintHit[] => {
        const version = written(subtree(tree, 'version'));
        const where = tree.entries.get('version')?.at ?? `${file}:1`;
        if (version === null) return [{ where, what: 'no version is set', fix: `add version: "${first}"` }];
        if (version === first) return [];
        return [{ where, what: `the version is ${version}, but elsewhere ${first}`, fix: `write version: "${first}"` }];
      });
    },
  },
  {
    id: 'C003',
    severity: 'error',
    title: 'the main service is called app',
    look: ({ app, compose }) =>
      'app' in app.services
        ? []
        : [{ where: `${compose[0]?.file}:1`, what: 'no service is called app', fix: `rename ${app.main}` }],
  },
  {
    id: 'C007',
    severity: 'error',
    title: 'the main service has a version label like 1.2.0+7.4',
    look: (ground) => {
      const fix = `write coop-cloud.\${STACK_NAME}.version=1.0.0+UPSTREAM`;
      if (ground.headVersion === null) return [{ where: versionAt(ground), what: 'no version label', fix }];
      if (release.test(ground.headVersion)) return [];
      return [{ where: versionAt(ground), what: `${ground.headVersion} is not a release version`, fix }];
    },
  },
  {
    id: 'C008',
    severity: 'error',
    title: 'a changed app has a newer version than all of its releases',
    look: (ground) => {
      const { headVersion, releases, isChanged } = ground;
      const newest = releases.find(({ version }) => headVersion !== null && !isNewer(headVersion, version));
      if (!isChanged || newest === undefined) return [];
      const what = `the app has changed, but ${headVersion} is not newer than its release ${newest.version}`;
      return [{ where: versionAt(ground), what, fix: 'raise the version label' }];
    },
  },
  {
    id: 'C009',
    severity: 'error',
    title: 'tags are annotated',
    look: ({ lightweightTags }) =>
      lightweightTags.map((tag) => ({
        where: `tag ${tag}`,
        what: 'this tag is not annotated, so abra deploys no version of the app',
        fix: `git tag -a -f ${tag} ${tag}^{}`,
      })),
  },
];

/** Compares the app's own three numbers and ignores the part after the plus sign, which is upstream's version. */
function isNewer(version: string, than: string): boolean {
  const [ours, theirs] = [version, than].map((text) => release.exec(text)?.slice(1).map(Number));
  if (ours === undefined || theirs === undefined) return true;
  const at = ours.findIndex((number, index) => number !== theirs[index]);
  return at !== -1 && (ours[at] as number) > (theirs[at] as number);
}

function versionAt({ services, app }: LintGround): string {
  const main = services.find(({ name }) => name === app.main);
  if (main === undefined) return 'compose.yml:1';
  return labelsOf(main).find(({ key }) => /^coop-cloud\..+\.version$/.test(key))?.at ?? main.at;
}
