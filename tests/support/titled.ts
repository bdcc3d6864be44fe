// Titles that fit on a line of the report, for rows of `it.each` whose first value may be long.

const titleCharsMax = 60;

/** Puts a short form of each row's first value at the start of the row, for use as the title. */
export function titled<Row extends [string, ...unknown[]]>(rows: Row[]): [string, ...Row][] {
  return rows.map((row) => {
    const title = JSON.stringify(row[0]);
    return [title.length > titleCharsMax ? `${title.slice(0, titleCharsMax)}…` : title, ...row];
  });
}
