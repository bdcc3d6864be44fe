// The trail's first commit, in which the operator signs the list of keys that count from then on, the operator's own
// included. All trust in a trail rests on the key that signed this commit.

import { actNamespace } from '../entry/act.ts';
import { Refused } from '../entry/errors.ts';
import type { Role, Sha } from '../entry/ids.ts';
import { signedCommit } from '../git/commits.ts';
import { objectStore } from '../git/objects.ts';
import { gitObject, withFiles } from '../git/trees.ts';
import {
  type AllowedSigner,
  allowedSignersFile,
  formatAllowedSigners,
  gitNamespace,
  principalOf,
  sharedKey,
} from '../keys/signers.ts';
import type { Signer } from '../keys/sshsig.ts';

// The name does not end in `.md`, because every Markdown file of a trail contains entries.
export const readmeFile = 'machine-docs/README';

export type Founding = {
  workspaceName: string;
  operatorSigner: Signer;
  /** Public keys `ssh-ed25519 AAA…` of all roles, other than the operator, that sign commits. */
  roleSigners: Record<Exclude<Role, 'operator'>, string>;
  now: Date;
};

/**
 * Writes the first commit's objects durably and returns the commit's id; no ref names it yet. Throws Refused if two
 * roles share a key.
 */
export async function writeGenesis(dir: string, options: Founding): Promise<Sha> {
  const signers = signersOf(options);
  const shared = sharedKey(signers);
  if (shared !== null)
    throw new Refused(`${shared}, but whoever asks for something may not approve it; give another key`);
  const texts = { [allowedSignersFile]: formatAllowedSigners(signers), [readmeFile]: readmeText(options) };
  const blobs = Object.entries(texts).map(([path, text]) => ({ path, object: gitObject('blob', Buffer.from(text)) }));
  const files = new Map(blobs.map(({ path, object }) => [path, object.sha]));
  const tree = await withFiles(new Map(), files, () => Promise.reject(new Error('a new tree has nothing to load')));
  const commit = signedCommit(
    {
      tree: tree.sha,
      parent: null,
      role: 'operator',
      atMs: options.now.getTime(),
      subject: `init: ${options.workspaceName}`,
    },
    options.operatorSigner,
  );
  const store = objectStore(dir);
  await store.write([...blobs.map(({ object }) => object), ...tree.objects, commit]);
  store.close();
  return commit.sha;
}

function signersOf({ operatorSigner, roleSigners }: Founding): AllowedSigner[] {
  const roles = Object.entries(roleSigners).map(([role, publicKey]) => ({
    principal: principalOf(role),
    namespaces: [gitNamespace],
    publicKey,
  }));
  const operator = {
    principal: principalOf('operator'),
    namespaces: [gitNamespace, actNamespace],
    publicKey: operatorSigner.publicKey,
  };
  return [operator, ...roles];
}

function readmeText({ workspaceName }: Founding): string {
  return `# The trail of ${workspaceName}

Everything that was claimed, run, judged and decided, one entry after the other. These files only grow: old bytes are
always a prefix of new ones, and nobody edits them by hand. Each commit is signed by the role whose words it contains.

To check the signatures with git alone, in a clone of this branch:

    git config gpg.ssh.allowedSignersFile machine-docs/allowed_signers
    git log --show-signature trail

The first commit is the operator's; compare its key with the one that the operator gave you. \`coldpass audit\` checks the rest.
`;
}
