import { fromHex, isHex, latin1 } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';

/** What a calculation answers with: named values, structures included. */
export type Answer = Readonly<Record<string, unknown>>;

/** One calculation. @throws PossumError for whatever must be refused; `where` names the field when it is about one */
export type Operation = (input: Fields) => Answer;

/** The calculations of one topic by their names. */
export type Topic = Readonly<Record<string, Operation>>;

/**
 * The inputs of a calculation, which may be anything that JSON holds. Each reader returns a value of its kind or
 * throws a PossumError `FORMAT` that names the field. A field that is `null` counts as absent.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  /** Bytes in hex; `lengths` lists how many are allowed, any number when it is left out. */
  hex(name: string, ...lengths: readonly number[]): Uint8Array {
    const text = this.text(name);
    if (!isHex(text)) throw fault(name, 'is not a whole number of bytes in hex');
    const bytes = fromHex(text);
    if (lengths.length > 0 && !lengths.includes(bytes.length)) {
      throw fault(name, `has ${bytes.length} bytes instead of ${lengths.join(' or ')}`);
    }
    return bytes;
  }

  /** As {@link hex}, or `otherwise` when the field is absent. */
  hexOr<T>(name: string, otherwise: T, ...lengths: readonly number[]): Uint8Array | T {
    return this.has(name) ? this.hex(name, ...lengths) : otherwise;
  }

  /** Values of single hex digits, of any number. */
  nibbles(name: string): Uint8Array {
    const text = this.text(name);
    if (!/^[0-9A-Fa-f]*$/.test(text)) throw fault(name, 'has characters that are no hex digits');
    return Uint8Array.from(text, (digit) => Number.parseInt(digit, 16));
  }

  /** Decimal digits: exactly `least` of them unless `most` is given. */
  digits(name: string, least: number, most: number = least): string {
    const text = this.text(name);
    if (!/^\d*$/.test(text)) throw fault(name, 'has characters that are no digits');
    if (text.length < least || text.length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      throw fault(name, `has ${text.length} digits instead of ${wanted}`);
    }
    return text;
  }

  digitsOr(name: string, otherwise: string, least: number, most: number = least): string {
    return this.has(name) ? this.digits(name, least, most) : otherwise;
  }

  /** Any text. */
  text(name: string): string {
    const value = this.#get(name);
    if (value === undefined) throw fault(name, 'is missing');
    if (typeof value !== 'string') throw fault(name, 'is no text');
    return value;
  }

  /** Text of 7-bit characters, as bytes. */
  ascii(name: string): Uint8Array {
    const text = this.text(name);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: every 7-bit character is allowed
    if (!/^[\x00-\x7f]*$/.test(text)) throw fault(name, 'has characters that are not ASCII');
    return latin1(text);
  }

  /** A whole number, or its decimal digits as options of a command are written. */
  integer(name: string, least: number, most: number): number {
    const value = this.#get(name);
    if (value === undefined) throw fault(name, 'is missing');
    const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most) {
      throw fault(name, `is no whole number from ${least} to ${most}`);
    }
    return number;
  }

  integerOr(name: string, otherwise: number, least: number, most: number): number {
    return this.has(name) ? this.integer(name, least, most) : otherwise;
  }

  /** One of the names in `choices`. */
  choice<T extends string>(name: string, choices: readonly T[], otherwise?: T): T {
    if (otherwise !== undefined && !this.has(name)) return otherwise;
    const text = this.text(name);
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw fault(name, `is none of ${choices.join(', ')}`);
    return found;
  }

  /** True or false, or the word for it as options of a command are written; false when absent. */
  flag(name: string): boolean {
    const given = this.#get(name) ?? false;
    const value = given === 'true' ? true : given === 'false' ? false : given;
    if (typeof value !== 'boolean') throw fault(name, 'is neither true nor false');
    return value;
  }

  /** A list of byte strings in hex. */
  hexList(name: string): Uint8Array[] {
    const value = this.#get(name);
    if (value === undefined) throw fault(name, 'is missing');
    if (!Array.isArray(value)) throw fault(name, 'is no list');
    return value.map((text: unknown, i) => new Fields({ [`${name}[${i}]`]: text }).hex(`${name}[${i}]`));
  }

  /** Byte strings in hex by name. */
  hexMap(name: string): Record<string, Uint8Array> {
    const value = this.#get(name);
    if (value === undefined) throw fault(name, 'is missing');
    if (typeof value !== 'object' || Array.isArray(value)) throw fault(name, 'is no object');
    return Object.fromEntries(
      Object.entries(value as object).map(([key, text]: [string, unknown]) => {
        const path = `${name}.${key}`;
        return [key, new Fields({ [path]: text }).hex(path)];
      }),
    );
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }
}

/** What is wrong with a field. */
export function fault(field: string, what: string): PossumError {
  return new PossumError('FORMAT', what, { where: field });
}
