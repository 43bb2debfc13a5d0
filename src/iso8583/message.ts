/**
 * One message, independent of how a network writes it. `fields[n]` is field n: text for all formats but `b`, which
 * is bytes. In `z` fields the separator reads `=`; `D` is accepted as well when packing.
 */
export interface IsoMessage {
  /** Four digits, e.g. `0200`. */
  mti: string;
  fields: (string | Uint8Array | undefined)[];
}

/** A message from the fields that are there; `undefined` values are left out. */
export function isoMessage(
  mti: string,
  fields: Readonly<Record<number, string | Uint8Array | undefined>>,
): IsoMessage {
  const list: (string | Uint8Array | undefined)[] = new Array(65).fill(undefined);
  for (const number of Object.keys(fields)) list[Number(number)] = fields[Number(number)];
  return { mti, fields: list };
}

/** The text of field `number`, or `undefined` when it is absent or bytes. */
export function textField(message: IsoMessage, number: number): string | undefined {
  const value = message.fields[number];
  return typeof value === 'string' ? value : undefined;
}

/** The bytes of field `number`, or `undefined` when it is absent or text. */
export function bytesField(message: IsoMessage, number: number): Uint8Array | undefined {
  const value = message.fields[number];
  return typeof value === 'object' ? value : undefined;
}

/** Why bytes are no message. */
export type IsoErrorCode =
  | 'truncated' // the data ends inside the field
  | 'trailing' // bytes follow the last field
  | 'mti'
  | 'bitmap' // bad hex, a third bitmap, or a second one that the network does not know
  | 'unknown-field' // the bitmap announces a field that the spec does not have
  | 'length' // a length prefix that is no number, or out of range
  | 'digit' // a nibble or character that is no digit
  | 'charset'
  | 'pad'; // the filling nibble of an odd number of digits is not zero

export interface IsoError {
  readonly code: IsoErrorCode;
  /** 0 = MTI, 1 = bitmap, else the field number. */
  readonly field: number;
  /** Where in the message, in bytes from the MTI. */
  readonly offset: number;
  readonly message: string;
}

export type Unpacked =
  | { readonly ok: true; readonly message: IsoMessage }
  /** `partial` holds what was read before the fault; its `mti` is empty when that was not readable. */
  | { readonly ok: false; readonly error: IsoError; readonly partial: IsoMessage };
