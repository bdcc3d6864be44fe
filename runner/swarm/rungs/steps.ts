// The small steps that rungs are made of. Each returns whether to continue, and adds its results to the checks.

import type { Ready } from '../../../state/entry/recipe.ts';
import type { StepEnd } from '../../run/engine.ts';
import type { Converged } from '../app/app.ts';
import { awaitReady } from '../stack/ready.ts';
import type { HookName } from '../suite/suite.ts';
import type { CheckFault, Checks } from './checks.ts';
import { keepPictures } from './evidence.ts';
import type { AppSite } from './site.ts';

/** The most log lines to keep of a service whose containers will be removed. */
const logLines = 10_000;

/** Waits until every `ready` probe of the recipe succeeds. */
export async function atRest(site: AppSite, checks: Checks, when: string): Promise<boolean> {
  const { recipe, signal } = site;
  for (const probe of recipe.ready) {
    const passed = await checks.check(`${probeWords(probe)} ${when}`, async () => {
      const late = await awaitReady(site.current().stack, [probe], { seconds: recipe.seconds.deploy, signal });
      return late === null ? null : { unclear: late };
    });
    if (!passed) return false;
  }
  return true;
}

/** Keeps the logs of all services, because they vanish with the containers. */
export async function keepLogs({ current, gone }: AppSite): Promise<void> {
  const { app, stack } = current();
  for (const service of Object.keys(app.services))
    gone.set(`log ${gone.size + 1} of service ${service}`, await stack.logs(service, logLines));
}

export async function standsAgain(site: AppSite, checks: Checks): Promise<boolean> {
  return checks.check('every service stands again', async () => {
    return checkFault(await site.current().stack.converge({ seconds: site.recipe.seconds.deploy, before: null }));
  });
}

export function checkFault({ failed, late }: Converged): CheckFault {
  return failed !== null && late ? { unclear: failed } : failed;
}

/** Runs a hook of the suite; passes if it does not exist. */
export async function runHookStep(site: AppSite, checks: Checks, name: HookName): Promise<boolean> {
  if (!site.suite.has('ops.ts')) return true;
  return checks.check(`hook ${name}`, async () => {
    const end = await site.suite.boxes.hook(name, site.signal);
    checks.take([], textOf(end));
    return whyNot(end, site.recipe.seconds.tests);
  });
}

/**
 * Runs a rung's test files; false if they failed. True if there are none: a rung that needs tests checks that itself.
 */
export async function runSuiteStep(site: AppSite, checks: Checks, rung: string): Promise<boolean> {
  const files = site.suite.filesOf(rung);
  if (files.length === 0) return true;
  const { end, report, pictures } = await site.suite.boxes.tests(files, rung, site.signal);
  for (const [name, bytes] of await keepPictures(site.evidenceDir, rung, pictures))
    site.gone.set(`picture ${name}`, bytes);
  const tests = report.kind === 'read' ? report.tests : [];
  checks.take(tests, textOf(end));
  const failing = tests.filter(({ status }) => status === 'fail').length;
  const ran = await checks.check(`the suite's ${rung} tests ran to their end, none skipped`, async () => {
    if (report.kind === 'lost') return { unclear: `their report cannot be counted: ${report.why}` };
    const skipped = tests.filter(({ status }) => status === 'skip' || status === 'todo');
    if (skipped.length > 0) return { unclear: `${skipped.length} skipped: ${skipped[0]?.id.slice(0, 120)}` };
    if (tests.length === 0) return { unclear: 'no test ran' };
    // A failing test is a result of its own, and makes vitest exit with 1.
    return failing > 0 ? null : whyNot(end, site.recipe.seconds.tests);
  });
  return ran && failing === 0;
}

function whyNot({ started, exit, timedOut, outOfMemory, troubles }: StepEnd, seconds: number): CheckFault {
  if (!started) return { unclear: `its box could not be started: ${troubles[0] ?? ''}` };
  if (timedOut) return { unclear: `it took longer than ${seconds} s` };
  if (outOfMemory) return { unclear: 'it ran out of memory' };
  return exit === 0 ? null : `it exited with ${exit}`;
}

function textOf({ output }: StepEnd): string {
  return output.tail === '' ? output.head : `${output.head}\n…\n${output.tail}`;
}

function probeWords(probe: Ready): string {
  if ('http' in probe) return `${probe.service} answers http ${probe.http}`;
  return 'tcp' in probe ? `${probe.service} answers on port ${probe.tcp}` : `${probe.service} says that it is ready`;
}
