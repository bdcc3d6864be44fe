// Rows of `it.each` whose first value may be long, each with a title that fits on a line of the report.

const titleCharsMax = 60;

/** Puts a short form of each row's first text before the row. */
export function titled<Row extends [string, ...unknown[]]>(rows: Row[]): [string, ...Row][] {
  return rows.map((row) => {
    const title = JSON.stringify(row[0]);
    return [title.length > titleCharsMax ? `${title.slice(0, titleCharsMax)}…` : title, ...row];
  });
}
