// Acts, disputes, patches by the Adversary, exemptions, and what is handed off, each with what switches it off.

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
    'an approval in the words of an agent',
  ),
  never('inbox: whoever asks may not approve', authority, 'role', 'an approval by the one who asked for it'),
  never('inbox: the operator’s key', authority, 'own.length === 0', 'an approval by a key that nobody knows'),
  instead(
    'inbox: the words that were signed',
    authority,
    "refused: 'its signature does not match its content'",
    'refused: null',
    'an approval under the signature of a note',
  ),
  instead(
    'inbox: once',
    acts,
    'replayFault(act, rules.seenNonces) ??',
    '',
    'an act that was carried out, handed in again',
  ),
  instead('inbox: in time', acts, 'timeFault(act, rules.now) ??', '', 'an approval that has expired'),
  instead('inbox: not ahead of time', acts, 'timeFault(act, rules.now) ??', '', 'an approval that is dated ahead'),
  never('inbox: this workspace', acts, 'act.workspace !== workspace', 'an approval for another workspace'),
  instead('inbox: this trail', acts, 'return act.root === root ?', 'return act ?', 'an approval for another trail'),
  instead(
    'inbox: over what was read',
    'loop/hands/actFault.ts',
    'targetFault(world, signed) ??',
    '',
    'an approval over the text of another request',
  ),
  instead(
    'inbox: of what is asked for',
    'state/gate/admitAct.ts',
    'if (!request) return `#',
    'if (!request) return null && `#',
    'an approval of what nobody asks for any more',
  ),
  instead(
    'dispute: after two claims',
    admit,
    'return since >= reclaimsBeforeDispute',
    'return since >= 0',
    'a Builder that disputes a finding without having tried',
  ),
  instead(
    'dispute: two claims more once it was refused',
    admit,
    'phase.blocked.findLast((blocked) => blocked.disputes === target)?.id ?? target',
    'target',
    'a Builder that disputes again what the operator let stand',
  ),
  instead(
    '6 findings: open ones block',
    'state/gate/gate.ts',
    'findings.map((finding) => openWords(phase, finding))',
    'findings.flatMap(() => [])',
    'a Builder that disputes a finding to be rid of it',
  ),
  instead(
    'sabotage: it changes something',
    sabotage,
    'return same ?',
    'return false ?',
    'a patch by the Adversary that changes nothing',
  ),
  instead(
    'sabotage: never the tests',
    'state/work/changed.ts',
    'isFile(change) && !isTest(change.path) &&',
    'isFile(change) &&',
    'a patch by the Adversary to the tests',
  ),
  instead(
    'sabotage: one that survives shows nothing',
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
    'a patch by the Adversary under which the tests do not load',
  ),
  instead(
    'sabotage: a test of the claim’s own',
    sabotage,
    "test.status === 'pass' && isClaims(test, before.get(test.id), changedTestFiles)",
    "test.status === 'pass'",
    'a patch by the Adversary that breaks what another test looks at',
  ),
  never(
    'sabotage: by the session that was woken for it',
    'state/gate/admitSabotage.ts',
    "reason?.kind !== 'sabotage' || reason.claim !== id",
    'a patch by a session that was not woken for one',
  ),
  instead(
    '3 controls: an exemption is of one function',
    'state/controls/hollow.ts',
    `exempt.includes(name) || exempt.includes(\`\${path}:\${name}\`)`,
    'path !== name && exempt.length > 0',
    'tests nothing of what stands beside, or is called like, a function that the plan exempts',
  ),
  instead(
    '4 protected: what the plan takes from the claim',
    'state/entry/spec.ts',
    ', ...spec.protected, ...fromClaim]',
    ', ...spec.protected, ...fromClaim.slice(0, 0)]',
    'narrows the selection where the plan takes the script from the claim',
  ),
  instead(
    'DONE: evidence of a day at most',
    'state/fold/evidence.ts',
    'return run.sha === claim.sha && nowMs < run.atMs + evidenceMsMax;',
    'return run.sha === claim.sha && nowMs > 0;',
    'hands off on the runs of the day before',
  ),
  instead(
    'DONE: evidence of a day at most, at its end',
    'state/fold/evidence.ts',
    'return run.sha === claim.sha && nowMs < run.atMs + evidenceMsMax;',
    'return run.sha === claim.sha && nowMs > 0;',
    'waits with DONE until what it was judged by is old',
  ),
  never(
    'DONE: the branch stands still',
    'state/git/publish.ts',
    'frozen',
    'publishes more while what it handed off waits',
  ),
  never(
    'hook: the branch stands still',
    'state/trail/hook.ts',
    'await isFrozen(dir, branch)',
    'pushes to the branch while its DONE is judged',
  ),
  never(
    'hand-off: the commit that was judged',
    'state/trail/hub.ts',
    'sha !== judged',
    'moves the branch once it was judged, past the hook',
  ),
];
