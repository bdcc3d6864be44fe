// `coldpass calibrate` with scripted judges: the SDK, clones, boxes and diffs are real, and only the judgement is
// scripted.

import { expect, it, onTestFinished } from 'vitest';
import { type CalibrationCase, calibrationSet } from '../../../agents/calibration/set.ts';
import { anthropic } from '../../../agents/model/anthropic.ts';
import { systemClock } from '../../../agents/model/clock.ts';
import { priceOf } from '../../../agents/model/spend.ts';
import { startScripted } from '../../../agents/scripted/scripted.ts';
import { limitsDefault } from '../../../agents/session/limits.ts';
import { type CalibrateOptions, calibrateHere, sayCalibration } from '../../../operator/runs/calibrate.ts';
import { paint, type Screen } from '../../../operator/terminal/print.ts';
import { readCalibrations } from '../../../state/trail/calibration.ts';
import { caseFail, caseFails, caseFinding, casePasses, judgesOf } from '../../support/agents/judge.ts';
import { describeBoxed } from '../../support/box.ts';
import { askedAt, calls, type Ground, layGround, scriptOf } from '../../support/phase/live.ts';

const all = calibrationSet();
/** The cases of two projects: enough for judges that do not look at what they judge. */
const few = { ...all, cases: all.cases.filter(({ name }) => /^(roman|durations),/.test(name)) };

async function calibrated(ground: Ground, script: ReturnType<typeof scriptOf>, more: Partial<CalibrateOptions> = {}) {
  const server = await startScripted(script);
  onTestFinished(() => server.close());
  const options = { role: 'adversary', usd: null, clock: systemClock(), signal: new AbortController().signal };
  return { server, report: await calibrateHere({ asked: askedAt(ground, server.url), ...options, ...more }) };
}

describeBoxed('a calibration', () => {
  it('scores a perfect judge as perfect, and stores the result', async () => {
    const ground = await layGround();
    const notes: string[] = [];
    const perfect = (one: CalibrationCase) => (one.truth === 'bad' ? caseFails() : casePasses(one));
    const { report } = await calibrated(ground, judgesOf(all.cases, perfect), { onNote: (line) => notes.push(line) });
    expect(report.calibration.cases.map(({ truth, verdict }) => `${truth} ${verdict}`)).toEqual(
      all.cases.map(({ truth }) => (truth === 'bad' ? 'bad FAIL' : 'good PASS')),
    );
    expect(report).toMatchObject({
      exit: 0,
      scripted: true,
      calibration: { detects: 1, alarms: 0, complete: true, model: 'scripted' },
    });
    expect(readCalibrations(ground.paths.calibrations)).toEqual([report.calibration]);
    expect(notes).toEqual(['note: a script judges here, not a model, so the figures are not about any model']);
    expect(reportText(report)).toContain('a script, not a model');
  }, 300_000);

  it('if a judge gives a PASS to everything, scores it as detecting nothing', async () => {
    const { report } = await calibrated(await layGround(), judgesOf(few.cases, casePasses), { set: few });
    expect(report.calibration).toMatchObject({ detects: 0, alarms: 0, complete: true });
    expect(reportText(report)).toContain('detects       0 % (0 of 2 bad claims failed)');
  });

  it('if a judge gives a FAIL to everything, scores it as detecting everything, with every false alarm', async () => {
    const { report } = await calibrated(await layGround(), judgesOf(few.cases, caseFails), { set: few });
    expect(report.calibration).toMatchObject({ detects: 1, alarms: 1, complete: true });
    expect(reportText(report)).toContain('false alarms  100 % (2 of 2 good claims failed)');
  });

  it('counts a refusal, a cut-off answer or an empty answer as no verdict', async () => {
    const turns = ['refusal', 'max_tokens', 'filter'].map((kind) => [{ say: 'x', fault: { kind, times: 9 } }]);
    let next = 0;
    const mute = () => turns[next++] ?? [{ say: '' }, { say: '' }];
    const { report } = await calibrated(await layGround(), judgesOf(few.cases, mute), { set: few });
    expect(report.calibration.cases.map(({ verdict, judged }) => ({ verdict, judged }))).toEqual(
      few.cases.map(() => ({ verdict: 'none', judged: true })),
    );
    expect(report.calibration).toMatchObject({ detects: 0, alarms: 0 });
  });

  it('runs reproducers: a red one blocks, a green one does not, and a PASS is refused while one is red', async () => {
    const reproducer = {
      path: 'tests/nearest.sh',
      content: 'grep -q nearest src/roman.js && exit 1; exit 0\n',
      command: 'sh tests/nearest.sh',
    };
    const either = (one: CalibrationCase) => [
      caseFinding({ reproducer }),
      ...casePasses(one),
      caseFail(),
      calls('wait', { why: 'nothing blocks' }),
    ];
    const roman = { ...all, cases: all.cases.filter(({ name }) => name.startsWith('roman')) };
    const { report, server } = await calibrated(await layGround(), judgesOf(roman.cases, either), { set: roman });
    expect(report.calibration.cases).toMatchObject([{ verdict: 'none' }, { verdict: 'FAIL' }]);
    const lastMessages = JSON.stringify(server.requests().map(({ body }) => body.messages.at(-1)));
    expect(lastMessages).toContain('Its reproducer is green at the claim: it does not block.');
    expect(lastMessages).toContain('Its reproducer is red at the claim: it blocks.');
    expect(lastMessages).toContain('no finding that this names is open and blocks');
  });

  it('stays within its budget, and reports that it is incomplete', async () => {
    const ground = await layGround();
    const server = await startScripted(judgesOf(few.cases, caseFails));
    onTestFinished(() => server.close());
    const clock = systemClock();
    const model = 'claude-opus-5-5';
    const backend = anthropic({ apiKey: 'x', baseURL: server.url, model, clock });
    const agent = { backend, price: priceOf(model), limits: limitsDefault, secrets: [] };
    const { report } = await calibrated(ground, scriptOf({}), { agent, usd: 0.5, set: few });
    expect(report.calibration.usd).toBeGreaterThan(0);
    expect(report.calibration.usd).toBeLessThanOrEqual(0.5);
    expect(report).toMatchObject({ exit: 4, scripted: false, calibration: { complete: false } });
    expect(reportText(report)).toContain('INCOMPLETE');
  });

  it('refuses a role that judges nothing, and an invalid amount', async () => {
    const ground = await layGround();
    await expect(calibrated(ground, scriptOf({}), { role: 'builder' })).rejects.toThrow('only a judge can');
    await expect(calibrated(ground, scriptOf({}), { usd: Number.NaN })).rejects.toThrow(
      '--usd is not an amount above 0',
    );
  });
});

function reportText(report: Parameters<typeof sayCalibration>[0]): string {
  const lines: string[] = [];
  const line = (text: unknown) => void lines.push(typeof text === 'string' ? text : (text as { text: string }).text);
  sayCalibration(report, { line, paint: paint(false) } as unknown as Screen);
  return lines.join('\n');
}
