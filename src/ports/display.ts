/** The customer's or the operator's display. Texts are looked up by the terminal; a display only formats. */
export interface Display {
  readonly columns: number;
  readonly rows: number;
  show(lines: readonly string[]): void;
}
