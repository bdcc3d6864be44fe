// The exports of an app's `abra.sh`: plain `export NAME=value` at the start of a line. Pure. The file is parsed, never
// sourced: functions, commands, and values that a shell would have to expand are skipped.

const linesMax = 5000;
const exported = /^export\s+([A-Za-z_][A-Za-z0-9_]*)=(?:"([^"$`\\]*)"|'([^']*)'|([^\s"'$`\\;&|<>()#]*))\s*(?:#.*)?$/;

/**
 * Maps each name to its value and the line that sets it, such as `abra.sh:3`. If a name is set twice, the last line
 * counts.
 */
export function abraExports(text: string, file: string): Map<string, { value: string; at: string }> {
  const exports = new Map<string, { value: string; at: string }>();
  for (const [index, line] of text.split(/\r?\n/, linesMax).entries()) {
    const [, name, double, single, bare] = exported.exec(line) ?? [];
    if (name !== undefined) exports.set(name, { value: double ?? single ?? bare ?? '', at: `${file}:${index + 1}` });
  }
  return exports;
}
