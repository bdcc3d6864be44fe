import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gateStatement } from '../../../state/audit/statement.ts';
import type { EntryId, GateId, Sha } from '../../../state/entry/ids.ts';
import { preAuthEncoding, publicPem, sealStatement } from '../../../state/keys/dsse.ts';
import { tell } from '../../support/phase/life.ts';
import { tempDir } from '../../support/temp.ts';

const M1 = 'M1' as GateId;
const at = '2026-03-01T00:00:00Z';
const source = { root: 'SHA256:x', head: '0'.repeat(40) as Sha, resource: 'git+https://example.org/x.git' };
type Story = ReturnType<typeof tell>;

function summaryOf(story: Story, waived: number[] = []) {
  const parts = { phase: story.phase(), report: story.gate(M1), at, source, inputs: [], waived: waived as EntryId[] };
  return gateStatement(parts)?.predicate;
}

describe('the summary of a gate', () => {
  it('is missing before the first claim, then FAILED until the gate holds', () => {
    const story = tell();
    expect(summaryOf(story)).toBeUndefined();
    const claim = story.submit(story.claimed('M1', 1));
    story.passes(claim, 'M1');
    expect(summaryOf(story)).toMatchObject({ verificationResult: 'FAILED', verifiedLevels: ['FAILED'] });
    story.judge(claim);
    story.submit(story.verdict(claim, 'PASS'));
    expect(summaryOf(story)).toMatchObject({ verificationResult: 'PASSED', verifiedLevels: ['COLDPASS_GATE_HOLDS'] });
  });

  it('shows in its level that a condition was waived or that there was no sandbox', () => {
    const story = tell();
    story.accept('M1', 1);
    expect(summaryOf(story, [7])).toMatchObject({ verifiedLevels: ['COLDPASS_GATE_HOLDS_BY_WAIVER'] });
    const phase = { ...story.phase(), sandbox: 'none' as const };
    const bare = gateStatement({ phase, report: story.gate(M1), at, source, inputs: [], waived: [] });
    expect(bare?.predicate.verifiedLevels).toEqual(['COLDPASS_GATE_HOLDS_WITHOUT_SANDBOX']);
  });
});

describe('an envelope', () => {
  it('has the bytes to sign that the DSSE protocol gives for its example', () => {
    const encoded = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(encoded.toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('of a large record, whose length is counted in bytes, verifies with openssl', () => {
    const dir = tempDir();
    const { privateKey: key } = generateKeyPairSync('ed25519');
    const signer = { key, fingerprint: 'SHA256:x' };
    const envelope = JSON.parse(sealStatement({ tests: 'ünï '.repeat(80_000) }, signer).toString());
    const payload = Buffer.from(envelope.payload, 'base64');
    const head = `DSSEv1 28 application/vnd.in-toto+json ${payload.length} `;
    writeFileSync(join(dir, 'pae'), Buffer.concat([Buffer.from(head), payload]));
    writeFileSync(join(dir, 'sig'), Buffer.from(envelope.signatures[0].sig, 'base64'));
    writeFileSync(join(dir, 'key'), publicPem(signer));
    const args = ['pkeyutl', '-verify', '-pubin', '-inkey', 'key', '-rawin', '-in', 'pae', '-sigfile', 'sig'];
    expect(execFileSync('openssl', args, { cwd: dir, encoding: 'utf8' })).toMatch(/Verified Successfully/);
  });
});
