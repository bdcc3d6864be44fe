// All mutants, and those of the rules for bodies, for the hub's hook and for incoming work. The product itself has no
// switch for a rule.

import { actMutants } from './act.ts';
import { gateMutants } from './gate.ts';
import { judgeMutants } from './judge.ts';
import { gone, type Mutant, never } from './mutant.ts';

const body = 'state/entry/body.ts';
const bodyMutants: Mutant[] = [
  never('body: bytes', body, 'bytes > bodyBytesMax', 'a body that fills the trail with bytes'),
  never('body: lines', body, 'lines.length > bodyLinesMax', 'a body that fills the trail with lines'),
  never('body: no line starts with # or ##', body, '/^##? /.test(line)', 'a body that starts an entry inside a fence'),
  never(
    'body: no line starts with <!--',
    body,
    "line.startsWith('<!--')",
    'a body that starts the machine-readable part',
  ),
  never('body: no line is -->', body, "line === '-->'", 'a body that ends the machine-readable part'),
  never('body: nesting', body, 'tooNested.test(line)', 'a body that nests quotes until the parser chokes'),
  {
    rule: 'body: Markdown marks',
    file: body,
    find: 'if (emphasis <= emphasisMarksMax && other <= otherMarksMax) return null;',
    replace: 'if (other >= 0) return null;',
    attack: 'a body that adds marks until the parser chokes',
  },
  {
    rule: 'body: headings',
    file: body,
    find: 'return node.depth > 2',
    replace: 'return node.depth > 0',
    attack: 'a body that underlines a heading',
  },
  {
    rule: 'body: HTML',
    file: body,
    find: "case 'html':",
    replace: "case 'none':",
    attack: 'a body that hides words in a tag',
  },
  {
    rule: 'body: link definitions',
    file: body,
    find: "case 'definition':",
    replace: "case 'none':",
    attack: 'a body that defines an invisible link',
  },
  {
    rule: 'body: the sentinel survives',
    file: body,
    find: 'if (stands) return null;',
    replace: 'return null;',
    attack: 'a body that opens a fence that swallows what follows',
  },
  {
    rule: 'body: references',
    file: body,
    find: 'forbidden(node) ?? hidden(node)',
    replace: 'forbidden(node)',
    attack: 'a body that reverses a line with a character reference',
  },
  {
    rule: 'body: hidden characters',
    file: body,
    find: 'unfitLine(line) ?? forgedLine(line)',
    replace: 'forgedLine(line)',
    attack: 'a body that reverses a line',
  },
  {
    rule: 'body: control characters',
    file: 'state/entry/invisible.ts',
    find: "const control = '\\\\p{Cc}",
    replace: "const control = '",
    attack: 'a body that controls the terminal',
  },
  {
    rule: 'body: ignorable characters',
    file: 'state/entry/invisible.ts',
    find: 'control}\\\\p{DI}',
    replace: "'\\\\p{Cc}\\\\p{Cs}'}",
    attack: 'a body that hides zero-width characters',
  },
  never(
    'body: NFC',
    'state/entry/words.ts',
    "line !== line.normalize('NFC')",
    'a body that spells a word in another Unicode form',
  ),
  never(
    'facts: one line',
    body,
    '!manyLines.has(key) && /[\\n\\t]/.test(text)',
    'an entry that has a line break in its title',
  ),
  {
    rule: 'facts: hidden characters',
    file: body,
    find: `return problem ? \`\${at} \${problem}\` : null;`,
    replace: 'return null;',
    attack: 'an entry that reverses its title',
  },
];

const commits = 'state/trail/commitRule.ts';
const policy = 'state/entry/policy.ts';
const hookMutants: Mutant[] = [
  {
    rule: 'hook: linear',
    file: commits,
    find: 'if (parents.length === 1 && parents[0] === previous.head) return;',
    replace: 'return;',
    attack: 'merges another history',
  },
  {
    rule: 'hook: signature, missing',
    file: commits,
    find: "  report('signature', ",
    replace: "  void ('signature', ",
    attack: 'leaves the signature out',
  },
  {
    rule: 'hook: signature, a stranger’s',
    file: commits,
    find: "  report('signature', ",
    replace: "  void ('signature', ",
    attack: 'signs with its own key, in the Builder’s name',
  },
  never('hook: path, nothing is removed', commits, "status === 'D'", 'removes a file of entries'),
  {
    rule: 'hook: path, plain files',
    file: commits,
    find: "newMode === '100644' ? null",
    replace: 'true ? null',
    attack: 'replaces a file with a link',
  },
  never(
    'hook: path, the next part',
    commits,
    "part.n !== (status === 'A' ? newest + 1 : newest)",
    'skips a part of a file',
  ),
  never('hook: stored never changes', commits, "isFixed && status !== 'A'", 'changes the pinned plan'),
  never(
    'hook: prefix',
    commits,
    'after.length <= old.length || !after.subarray(0, old.length).equals(old)',
    'changes a byte of an old entry',
  ),
  never(
    'hook: prefix, in every commit',
    commits,
    'after.length <= old.length || !after.subarray(0, old.length).equals(old)',
    'damages an old entry in one commit and restores it in the next',
  ),
  gone(
    'hook: framing',
    commits,
    `report('framing', \`\${path}: \${(error as Error).message}\`);`,
    'appends words that look like an entry',
  ),
  never('hook: framing, at least one entry', commits, 'placed.length === 0', 'appends nothing at all'),
  {
    rule: 'hook: framing, text and data agree',
    file: 'state/entry/framing.ts',
    find: "'the text does not match its data'",
    replace: "''",
    attack: 'shows text that does not match its data',
  },
  never('hook: density', commits, 'entry.id !== due', 'skips an entry number'),
  never('hook: density, no duplicates', commits, 'entry.id !== due', 'uses an entry number again'),
  never(
    'hook: role, files',
    commits,
    'role !== null && !mayWrite(path, role)',
    'creates a file that does not belong to the trail',
  ),
  gone(
    'hook: role, entries',
    commits,
    "if (place !== null) report('role', place, entry.id);",
    'writes an entry as the supervisor',
  ),
  never(
    'hook: role, kinds',
    policy,
    '!signersOf(entry.kind).includes(entry.role)',
    'writes a kind that its role may not write',
  ),
  never(
    'hook: role, signer',
    policy,
    'committerOf(entry.role) !== signer',
    'writes an entry of the other role into its own file',
  ),
  {
    rule: 'hook: role, one per commit',
    file: commits,
    find: "if (role !== null && !mayWrite(path, role)) report('role', ",
    replace: "void ('role', ",
    attack: 'lets one commit speak for two roles',
  },
  {
    rule: 'hook: role, the file of a kind',
    file: policy,
    find: 'return file === part.file ? null',
    replace: 'return file !== null ? null',
    attack: 'puts an entry into the wrong file for its kind',
  },
  {
    rule: 'hook: role, the file of a close',
    file: policy,
    find: 'if (part === null || !mayWrite(part.file, role))',
    replace: 'if (part === null)',
    attack: 'closes the other role’s entry',
  },
  never('hook: role, the folder', policy, '!path.startsWith(folder)', 'writes outside the folder of the trail'),
  never('hook: act', commits, 'refused !== null', 'forges an approval with the supervisor’s key'),
  never('hook: act, its text', commits, 'refused !== null', 'changes what the operator signed'),
  never('hook: signers', commits, 'change', 'adds a key to the allowed signers'),
  never(
    'hook: stored under its digest',
    commits,
    'blob !== undefined && blob !== digest',
    'stores results under the wrong digest',
  ),
  gone(
    'hook: stored is named',
    commits,
    `report('stored', \`no entry of its commit names \${path}\`);`,
    'stores bytes that no entry names',
  ),
  {
    rule: 'hook: main',
    file: 'state/trail/hook.ts',
    find: "if (ref === 'refs/heads/trail') return 'trail';",
    replace: "if (ref === 'refs/heads/trail') return 'trail'; if (ref === 'refs/heads/main') return 'main';",
    attack: 'pushes to main',
  },
  never('hook: no branch is removed', 'state/trail/hook.ts', '/^0+$/.test(update.new)', 'removes the trail'),
  never(
    'hook: phases are opened by a plan',
    'state/trail/hook.ts',
    'old === null || old !== update.old',
    'opens a phase by pushing its branch',
  ),
  never(
    'hook: fast-forward of the trail',
    'state/trail/hook.ts',
    '!(await isAncestor(dir, old, head, received))',
    'rewrites history by force',
  ),
  never(
    'hook: fast-forward of a phase',
    'state/trail/hook.ts',
    '!(await isAncestor(dir, old, head, received))',
    'restarts the phase’s branch',
  ),
  gone(
    'hook: pushed work is checked',
    'state/trail/hook.ts',
    'await judgeIncoming(dir, head, publishLimits, received);',
    'pushes a file over the size limit',
  ),
  never('incoming: submodules', 'state/git/incoming.ts', "mode === '160000'", 'pushes a submodule'),
  never(
    'incoming: links within the tree',
    'state/git/incoming.ts',
    "ups > path.split('/').length - 1",
    'pushes a link that leaves the tree',
  ),
  never(
    'incoming: links to absolute paths',
    'state/git/incoming.ts',
    "target === '' || target.startsWith('/')",
    'pushes a link to an absolute path',
  ),
  never(
    'incoming: names',
    'state/git/incoming.ts',
    '/[\\t\\n]/.test(path) || hasInvisible(path)',
    'pushes a file whose name reverses a line',
  ),
  never(
    'incoming: size of a file',
    'state/git/incoming.ts',
    '!(bytes <= bytesMax)',
    'pushes a file over the size limit',
  ),
];

export const mutants: Mutant[] = [...gateMutants, ...judgeMutants, ...actMutants, ...hookMutants, ...bodyMutants];
