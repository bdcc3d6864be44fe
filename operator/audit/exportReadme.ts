// The README for exported statements: what they are, and how a stranger verifies one by hand.

import type { StatementSource } from '../../state/audit/statement.ts';
import { intotoType } from '../../state/keys/dsse.ts';
import type { ExportedPhase, ExportKeys } from './exportPhase.ts';

type Exported = {
  source: StatementSource;
  keys: ExportKeys;
  phases: ExportedPhase[];
};

export function exportReadme({ source, keys, phases }: Exported): string {
  const example = phases.flatMap(({ gates }) => gates.at(-1)?.file ?? []).at(-1) ?? 'PHASE/GATE.vsa.json';
  return `# Statements of a Coldpass trail

From the trail that the key ${source.root} founded, at commit ${source.head}, after a sound audit.
Each file below is a DSSE envelope with an in-toto statement. Its subject is a git commit and its tree.

| file | states | signed with |
|---|---|---|
| \`PHASE/RUN.test-result.json\` | what one cold run showed | \`runner.pem\`, ${keys.runner.fingerprint} |
| \`PHASE/GATE.vsa.json\` | whether a gate held, under which plan, by which runs | \`supervisor.pem\`, ${keys.supervisor.fingerprint} |

${phases.map(phaseLine).join('\n')}

## Verify everything

    sh verify.sh

It needs openssl 3.0 or later, but not Coldpass. It checks each signature, that each file is about what its name says,
and that a gate's statement rests on exactly the files in this folder. To check the two keys, compare them with the trail:

    git -C HUB show ${source.head}:machine-docs/allowed_signers > allowed_signers
    sh verify.sh allowed_signers

## Verify one by hand

    file=${example}
    key=supervisor.pem    # runner.pem for a test-result
    sed 's/^{"payload":"\\([^"]*\\)".*$/\\1/' $file | tr -d '\\n' | openssl base64 -d -A > payload
    sed 's/^.*"sig":"\\([^"]*\\)"}\\]}$/\\1/' $file | tr -d '\\n' | openssl base64 -d -A > sig
    { printf 'DSSEv1 ${intotoType.length} ${intotoType} %d ' $(wc -c < payload); cat payload; } > pae
    openssl pkeyutl -verify -pubin -inkey $key -rawin -in pae -sigfile sig

\`payload\` is now the statement. Compare its subject with your commit: \`git rev-parse COMMIT COMMIT^{tree}\`.
`;
}

function phaseLine({ phase, runs, gates, unclaimed }: ExportedPhase): string {
  const results = gates.map(({ gate, result }) => `${gate} ${result}`).join(', ') || 'none';
  const rest = unclaimed.length > 0 ? `; not claimed yet: ${unclaimed.join(', ')}` : '';
  return `- Phase ${phase}: ${runs} runs; gates: ${results}${rest}.`;
}
