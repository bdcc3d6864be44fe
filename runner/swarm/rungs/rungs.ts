// The five rungs of an app. The harness's own checks always run; the suite's tests only add to them. The record names
// everything that each rung proves: no rung passes by an exit code alone, with a state unchecked, or by being silently
// left out.

import type { AppRung } from '../../../state/entry/recipe.ts';
import type { RungEnd } from '../../run/engine.ts';
import type { AdmittedApp, Identity } from '../app/app.ts';
import { changedServices } from '../compose/difference.ts';
import type { Checks } from './checks.ts';
import { backUp, drill } from './drill.ts';
import type { AppSite } from './site.ts';
import { atRest, checkFault, keepLogs, runHookStep, runSuiteStep } from './steps.ts';

/** Carries out one rung. Rejects only if the machine fails or the site's signal aborts. */
export async function climbRung(site: AppSite, rung: AppRung | 'drill', checks: Checks): Promise<RungEnd> {
  switch (rung) {
    case 'install':
      return install(site, checks);
    case 'upgrade':
      return upgrade(site, checks);
    case 'backup_restore':
      return backupRestore(site, checks);
    case 'functional':
      return functional(site, checks);
    case 'lint':
      return lint(site, checks);
    case 'drill':
      return drills(site, checks);
    default:
      return rung satisfies never;
  }
}

async function install(site: AppSite, checks: Checks): Promise<RungEnd> {
  for (const need of site.needs) {
    const passed = await checks.check(`${need.name}, which the app needs, stands`, async () => {
      const { failed } = await need.stack.deploy(need.app);
      site.facts.deploys.made += 1;
      return failed ?? (await need.stands());
    });
    if (!passed) return checks.end();
  }
  const app = site.base?.app ?? site.head;
  checks.say(`version ${app.version ?? 'unknown: no version label'}`);
  if (!(await deployed(site, checks, app, null))) return checks.end();
  site.facts.deploys.made += 1;
  if (!(await atRest(site, checks, 'after the install'))) return checks.end();
  if (!(await runHookStep(site, checks, 'postInstall'))) return checks.end();
  await runSuiteStep(site, checks, 'install');
  return checks.end();
}

async function upgrade(site: AppSite, checks: Checks): Promise<RungEnd> {
  const { base, head, recipe, facts } = site;
  const why = recipe.notApplicable.upgrade;
  if (why !== undefined || base === null)
    return checks.end({ skipped: why ?? 'no older release is tagged, so there is nothing to upgrade from' });
  if (!(await runHookStep(site, checks, 'preUpgrade'))) return checks.end();
  await keepLogs(site);
  const before = await site.stack.identity();
  if (!(await deployed(site, checks, head, before))) return checks.end();
  const after = await site.stack.identity();
  const hasChanged = await checks.check('what is deployed is the version under test', async () =>
    crossing(base.app, head, before, after),
  );
  if (!hasChanged) return checks.end();
  if (changedServices(base.app, head).length === 0) checks.say('the new version changes only labels of services');
  facts.crossover = { from: before.version ?? '', to: after.version ?? '', sha: base.release.sha };
  checks.say(`${before.version} → ${after.version}`);
  if (await atRest(site, checks, 'after the upgrade')) await runSuiteStep(site, checks, 'upgrade');
  return checks.end();
}

async function backupRestore(site: AppSite, checks: Checks): Promise<RungEnd> {
  const why = site.recipe.notApplicable.backup_restore ?? notCapable(site.current().app);
  if (why !== null) return checks.end({ skipped: why });
  const backup = await backUp(site, checks);
  if (backup === null || !(await runSuiteStep(site, checks, 'backup'))) return checks.end();
  if (!(await runHookStep(site, checks, 'preRestore'))) return checks.end();
  if (!(await drill(site, checks, backup, new Set()))) return checks.end();
  if (site.suite.filesOf('restore').length === 0)
    return checks.end({ failed: `no test checks the restored data; write ${site.recipe.suite}/restore.test.ts` });
  await runSuiteStep(site, checks, 'restore');
  return checks.end();
}

async function functional(site: AppSite, checks: Checks): Promise<RungEnd> {
  const why = site.recipe.notApplicable.functional;
  if (why !== undefined) return checks.end({ skipped: why });
  if (site.suite.filesOf('functional').length === 0)
    return checks.end({
      failed: `no test checks what the app does; write ${site.recipe.suite}/functional.test.ts`,
    });
  await runSuiteStep(site, checks, 'functional');
  return checks.end();
}

async function lint(site: AppSite, checks: Checks): Promise<RungEnd> {
  const findings = site.lint();
  site.facts.lint = findings;
  for (const { rule, severity, where, what, fix } of findings)
    checks.say(`${rule} ${severity}  ${where}: ${what}; ${fix}`);
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return checks.end();
  return checks.end({
    failed: `${errors
      .map(({ rule, where }) => `${rule} at ${where}`)
      .slice(0, 3)
      .join(', ')}`,
  });
}

/** First restores the whole backup, so that any later red is due to what a turn leaves out; then runs each turn. */
async function drills(site: AppSite, checks: Checks): Promise<RungEnd> {
  const backup = await backUp(site, checks);
  if (backup === null) return checks.end();
  const marks = new Map(site.marks);
  const volumes = [...backup.keys()];
  const all = { name: 'with all', omit: new Set<string>() };
  const turns =
    site.order.drill === 'no-restore'
      ? [all, { name: 'without any', omit: new Set(volumes) }]
      : [all, ...volumes.map((volume) => ({ name: `without ${volume}`, omit: new Set([volume]) }))];
  for (const { name, omit } of turns) {
    const turn = checks.turn(name);
    // Resets the marks: a suite that could count its turns could fail on purpose in the turns that must be red.
    site.marks.clear();
    for (const [mark, value] of marks) site.marks.set(mark, value);
    if (await drill(site, turn, backup, omit)) await runSuiteStep(site, turn, 'restore');
  }
  return checks.end();
}

async function deployed(site: AppSite, checks: Checks, app: AdmittedApp, before: Identity | null): Promise<boolean> {
  const { stack, recipe } = site;
  const accepted = await checks.check(before ? 'the upgrade is accepted' : 'the app is deployed', async () => {
    const { failed } = await stack.deploy(app);
    site.deployed(app);
    return failed;
  });
  if (!accepted) return false;
  return checks.check('every service stands', async () => {
    const converged = await stack.converge({ seconds: recipe.seconds.deploy, before });
    const { restarts } = converged;
    if (restarts > 0) checks.say(`${restarts} ${restarts === 1 ? 'task was' : 'tasks were'} restarted meanwhile`);
    return checkFault(converged);
  });
}

/**
 * Null if the version under test now runs, judged by its label and by every service that it changes; else what is
 * wrong.
 */
function crossing(base: AdmittedApp, head: AdmittedApp, before: Identity, after: Identity): string | null {
  if (after.version !== head.version)
    return `the version label is ${after.version}, but the version under test is ${head.version}`;
  const stuck = changedServices(base, head).find((name) => {
    const [was, is] = [before.services[name], after.services[name]];
    return is === undefined || (was?.imageId === is.imageId && was.spec === is.spec);
  });
  return stuck === undefined ? null : `service ${stuck} still runs as before, although the new version changes it`;
}

function notCapable({ backup }: AdmittedApp): string | null {
  return backup.services.length > 0 ? null : 'no service is labelled for backup';
}
