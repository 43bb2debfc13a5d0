// Names in cards and files are other people's texts: they must not steer the terminal that shows them.
const CONTROL = /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu;
const JSON_CONTROL = /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** A text without control characters and changes of writing direction; lines stay lines. */
export function harmless(text: string): string {
  return text.replace(CONTROL, (character) => (character === '\t' ? ' ' : '?'));
}

/** Prints a value as JSON, indented for people on a terminal and in one piece either way. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, undefined, 2);
  const escaped = text.replace(
    JSON_CONTROL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  process.stdout.write(`${escaped}\n`);
}

export function printText(text: string): void {
  process.stdout.write(harmless(text.endsWith('\n') ? text : `${text}\n`));
}

/** Progress goes to stderr, so that stdout stays what was asked for. */
export function printProgress(text: string): void {
  process.stderr.write(harmless(`${text}\n`));
}

/** Rows in columns; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const isNumber = header.map(
    (_, column) =>
      rows.length > 0 &&
      rows.every((row) => typeof row[column] === 'number' || /^-?[\d.]+$/.test(String(row[column]))),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          isNumber[column] === true
            ? cell.padStart(widths[column] as number)
            : cell.padEnd(widths[column] as number),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
