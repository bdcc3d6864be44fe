// Apps in the Co-op Cloud layout: a `compose.yml` at the top that has a service `app`, or has `.env.sample` or
// `abra.sh` beside it. The notes name what the app lacks before its recipe can reach the top level.

import { parseDocument } from 'yaml';
import { z } from 'zod';
import { AppRecipe } from '../../state/entry/recipe.ts';
import type { Project } from './project.ts';
import type { Proposal } from './proposal.ts';

const composeFile = 'compose.yml';
const composeCharsMax = 256 * 1024;
const aliasesMax = 20;
const suite = 'tests';
const suiteFiles = ['install', 'upgrade', 'backup', 'restore', 'functional'].map((name) => `${name}.test.ts`);

const Compose = z.looseObject({ services: z.record(z.string(), z.unknown()).catch({}) });

/** A proposal for the app at the top of the repository; null if there is no app. */
export function detectApp(project: Project): Proposal | null {
  const text = project.files.includes(composeFile) ? project.read(composeFile) : null;
  if (text === null) return null;
  const services = servicesOf(text);
  const isLaidOut = ['.env.sample', 'abra.sh'].some((path) => project.files.includes(path));
  if (!services.includes('app') && !isLaidOut) return null;
  return {
    name: 'app',
    what: `an app in the Co-op Cloud layout, with ${services.length === 1 ? 'one service' : `${services.length} services`}`,
    recipe: AppRecipe.parse({ engine: 'swarm', suite, tests: [`${suite}/**`] }),
    tools: [],
    hosts: [],
    notes: missing(project, text, services),
  };
}

function servicesOf(text: string): string[] {
  if (text.length > composeCharsMax) return [];
  try {
    const parsed = Compose.safeParse(parseDocument(text).toJS({ maxAliasCount: aliasesMax }));
    return parsed.success ? Object.keys(parsed.data.services) : [];
  } catch {
    return [];
  }
}

function missing({ files }: Project, text: string, services: string[]): string[] {
  const tests = suiteFiles.filter((name) => !files.includes(`${suite}/${name}`));
  return [
    ...(services.includes('app') ? [] : ['no service is called app; name the main one in the recipe, as `main: NAME`']),
    ...(files.includes('.env.sample')
      ? []
      : ['no .env.sample is committed, so the variables in compose.yml have no values']),
    ...(/coop-cloud\..*\.version/.test(text)
      ? []
      : [`${composeFile} has no label coop-cloud.\${STACK_NAME}.version; without it no upgrade can be tested`]),
    ...(text.includes('backupbot.backup')
      ? []
      : [
          `${composeFile} has no backupbot.backup label; add some, or say why not as notApplicable: { backup_restore: … }`,
        ]),
    ...(tests.length > 0 ? [`${suite}/ lacks ${tests.join(', ')}; see docs/app-recipes.md`] : []),
  ];
}
