// Tells a failed assertion from any other failure in a report: only an assertion shows that a test checked what the
// code does; a TypeError or a file that will not load shows nothing. Each writer reports assertions differently; every
// rule here was taken from the real program's output (tests/fixtures/reports). In doubt, a failure is an error, which
// never counts for the claim.

/** Programs whose reports have their own rules; `other` covers mocha's xunit reporter, jest and the Java family. */
export type Writer = 'vitest' | 'node' | 'pytest' | 'other';

export type ReportedFailure = { element: 'failure' | 'error'; type: string; message: string; body: string };

/** Classifies one `<failure>` or `<error>` of a test. */
export function failureKind(writer: Writer, failure: ReportedFailure): 'assertion' | 'error' {
  if (failure.element === 'error') return 'error';
  return isAssertion[writer](failure) ? 'assertion' : 'error';
}

const isAssertion: Record<Writer, (failure: ReportedFailure) => boolean> = {
  vitest: ({ type, message, body }) =>
    type === 'AssertionError' ||
    /^Snapshot `.*` mismatched/.test(message) ||
    /^expected (number of assertions to be|any number of assertion)/.test(message) ||
    (isProperty(message) && /^Caused by: (AssertionError|Error: Property failed by returning false)/m.test(body)),

  // `inspect` prints the cause in full after the type of failure: `cause: AssertionError [ERR_ASSERTION]: …`, or, for
  // an assertion of chai, `cause: Error [AssertionError]: …`.
  node: ({ message, body }) => {
    const cause = /^ {2}failureType: '\w+',\n {2}cause: (.*)$/m.exec(body)?.[1] ?? '';
    if (isAssertionHeader(cause)) return true;
    const inner = /^ {4}\[cause\]: (.*)$/m.exec(body)?.[1] ?? '';
    return isProperty(message) && (isAssertionHeader(inner) || inner === 'Error: Property failed by returning false');
  },

  // pytest omits the class of a rewritten assert: `assert 1 == 2`. A timeout of pytest-timeout is a `Failed`, too.
  pytest: ({ message }) => /^(assert\b|AssertionError\b|Failed: (?!Timeout))/.test(message),

  other: ({ type, message, body }) => {
    if (/(^|\.)Assertion(Failed)?Error$/.test(type)) return true;
    const header = restatedHeader(body, (message || body).split('\n', 1)[0] ?? '');
    return isAssertionHeader(header) || header.startsWith('Error: expect(');
  },
};

function isAssertionHeader(line: string): boolean {
  return /^(AssertionError\b|Error \[AssertionError\]|Error \[ERR_ASSERTION\])/.test(line);
}

function isProperty(message: string): boolean {
  return message.startsWith('Property failed after ');
}

/** mocha prints the message, then the stack, whose first line is `<class>: <message>`, with the true class. */
function restatedHeader(body: string, first: string): string {
  const lines = body.split('\n');
  return (
    lines.find((line) => line !== first && /^\w*(Error|Exception)\b/.test(line) && line.endsWith(`: ${first}`)) ?? first
  );
}
