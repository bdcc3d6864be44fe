// Mutants of the rules for acts, disputes, patches by the Adversary, exemptions and hand-off.

import { instead, type Mutant, never } from './mutant.ts';

const authority = 'state/keys/authority.ts';
const acts = 'state/trail/acts.ts';
const sabotage = 'state/controls/sabotage.ts';
const admit = 'state/gate/admit.ts';

export const actMutants: Mutant[] = [
  instead(
    'inbox: names',
    'state/trail/inboxFolder.ts',
    "if (nonce === undefined) return unreadable('an act is named <32 hex digits>.json');",
    '',
    'an approval in an agent’s prose',
  ),
  never('inbox: whoever asks may not approve', authority, 'role', 'an approval by the role that asked for it'),
  never('inbox: the operator’s key', authority, 'own.length === 0', 'an approval by an unknown key'),
  instead(
    'inbox: the text that was signed',
    authority,
    "refused: 'its signature does not match its content'",
    'refused: null',
    'an approval with the signature of a note',
  ),
  instead(
    'inbox: once',
    acts,
    'replayFault(act, rules.seenNonces) ??',
    '',
    'an act that is handed in again after it was carried out',
  ),
  instead('inbox: not expired', acts, 'timeFault(act, rules.now) ??', '', 'an expired approval'),
  instead(
    'inbox: not dated in the future',
    acts,
    'timeFault(act, rules.now) ??',
    '',
    'an approval dated in the future',
  ),
  never('inbox: this workspace', acts, 'act.workspace !== workspace', 'an approval for another workspace'),
  instead('inbox: this trail', acts, 'return act.root === root ?', 'return act ?', 'an approval for another trail'),
  instead(
    'inbox: signed over its target',
    'loop/hands/actFault.ts',
    'targetFault(world, signed) ??',
    '',
    'an approval signed over another request',
  ),
  instead(
    'inbox: of an open request',
    'state/gate/admitAct.ts',
    'if (!request) return `#',
    'if (!request) return null && `#',
    'an approval of a request that is no longer open',
  ),
  instead(
    'dispute: after two claims',
    admit,
    'return since >= reclaimsBeforeDispute',
    'return since >= 0',
    'a Builder that disputes a finding without trying to fix it',
  ),
  instead(
    'dispute: after two more claims once refused',
    admit,
    'phase.blocked.findLast((blocked) => blocked.disputes === target)?.id ?? target',
    'target',
    'a Builder that disputes again after the operator refused',
  ),
  instead(
    '6 findings: open ones block',
    'state/gate/gate.ts',
    'findings.map((finding) => openWords(phase, finding))',
    'findings.flatMap(() => [])',
    'a Builder that disputes a finding to get rid of it',
  ),
  instead(
    'sabotage: it changes something',
    sabotage,
    'return same ?',
    'return false ?',
    'a patch by the Adversary that changes nothing',
  ),
  instead(
    'sabotage: never changes tests',
    'state/work/changed.ts',
    'isFile(change) && !isTest(change.path) &&',
    'isFile(change) &&',
    'a patch by the Adversary to the tests',
  ),
  instead(
    'sabotage: inconclusive if it survives',
    sabotage,
    "return inconclusive('Every test stays green under the patch.');",
    "return judged('BITES', 'Every test stays green under the patch.');",
    'a patch by the Adversary that no test notices',
  ),
  instead(
    'sabotage: on an assertion',
    sabotage,
    'bites(there.get(test.id))',
    "there.get(test.id)?.status === 'fail'",
    'a patch by the Adversary that stops the tests from loading',
  ),
  instead(
    'sabotage: a test of the claim’s own',
    sabotage,
    "test.status === 'pass' && isClaims(test, before.get(test.id), changedTestFiles)",
    "test.status === 'pass'",
    'a patch by the Adversary that breaks only what another test checks',
  ),
  never(
    'sabotage: by a session woken for it',
    'state/gate/admitSabotage.ts',
    "reason?.kind !== 'sabotage' || reason.claim !== id",
    'a patch by a session that was not woken for one',
  ),
  instead(
    '3 controls: an exemption is of one function',
    'state/controls/hollow.ts',
    `exempt.includes(name) || exempt.includes(\`\${path}:\${name}\`)`,
    'path !== name && exempt.length > 0',
    'leaves functions untested that are next to, or named like, an exempt one',
  ),
  instead(
    '4 protected: files that the plan takes from the claim',
    'state/entry/spec.ts',
    ', ...spec.protected, ...fromClaim]',
    ', ...spec.protected, ...fromClaim.slice(0, 0)]',
    'selects fewer tests in a script that the plan takes from the claim',
  ),
  instead(
    'DONE: evidence at most a day old',
    'state/fold/evidence.ts',
    'return run.sha === claim.sha && nowMs < run.atMs + evidenceMsMax;',
    'return run.sha === claim.sha && nowMs > 0;',
    'hands off on runs from the day before',
  ),
  instead(
    'DONE: evidence at most a day old, at the end',
    'state/fold/evidence.ts',
    'return run.sha === claim.sha && nowMs < run.atMs + evidenceMsMax;',
    'return run.sha === claim.sha && nowMs > 0;',
    'delays DONE until its evidence is too old',
  ),
  never('DONE: the branch is frozen', 'state/git/publish.ts', 'frozen', 'publishes more while its hand-off waits'),
  never(
    'hook: the branch is frozen',
    'state/trail/hook.ts',
    'await isFrozen(dir, branch)',
    'pushes to the branch while its DONE is judged',
  ),
  never(
    'hand-off: the judged commit',
    'state/trail/hub.ts',
    'sha !== judged',
    'moves the branch after it was judged, bypassing the hook',
  ),
];
