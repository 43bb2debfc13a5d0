import { compileFieldTable } from './field-table.ts';
import type { IsoMessage, Unpacked } from './message.ts';
import { createPacker } from './pack.ts';
import type { MessageSpec } from './spec.ts';
import { createUnpacker } from './unpack.ts';

/** Packs and unpacks the messages of one spec. */
export interface Codec {
  readonly spec: MessageSpec;
  /**
   * The bytes from the MTI to the last field.
   * @throws PossumError `FORMAT` whose `where` names the field when a value does not fit the spec
   */
  pack(message: IsoMessage): Uint8Array;
  /**
   * Reads any bytes at all. Strict: what it accepts packs to the same bytes again, but for a bitmap that is longer
   * than it needs to be. Byte fields are views into `bytes`.
   */
  unpack(bytes: Uint8Array): Unpacked;
}

/**
 * Compiles a spec once; both directions interpret the same table.
 * @throws PossumError `CONFIG` when the spec contradicts itself
 */
export function compileCodec(spec: MessageSpec): Codec {
  const table = compileFieldTable(spec);
  return { spec, pack: createPacker(spec, table), unpack: createUnpacker(spec, table) };
}

/**
 * What a MAC covers: MTI to the last field before the MAC, its bit already set in the bitmap
 * (host-protocol: the header and TPDU are not part of it).
 * @param packed a message with its MAC field in place, whatever value that has
 * @returns a view into `packed`, or `undefined` when the message carries no MAC
 */
export function macInput(packed: Uint8Array, codec: Codec): Uint8Array | undefined {
  const length = macLength(packed, codec);
  return length === 0 ? undefined : packed.subarray(0, packed.length - length);
}

/** The MAC that `packed` carries, or `undefined`. A view into `packed`. */
export function macOf(packed: Uint8Array, codec: Codec): Uint8Array | undefined {
  const length = macLength(packed, codec);
  return length === 0 ? undefined : packed.subarray(packed.length - length);
}

/**
 * Packs `message` with a MAC over it.
 * @param compute makes the MAC of the bytes that {@link macInput} returns
 */
export function packWithMac(
  message: IsoMessage,
  codec: Codec,
  compute: (input: Uint8Array) => Uint8Array,
): Uint8Array {
  const field = codec.spec.macField;
  const length = field === undefined ? undefined : codec.spec.fields[field]?.length;
  if (field === undefined || length === undefined) return codec.pack(message);
  const fields = message.fields.slice();
  fields[field] = new Uint8Array(length);
  const packed = codec.pack({ mti: message.mti, fields });
  packed.set(compute(packed.subarray(0, packed.length - length)), packed.length - length);
  return packed;
}

function macLength(packed: Uint8Array, codec: Codec): number {
  const { macField: field, bitmap, digits } = codec.spec;
  if (field === undefined) return 0;
  const octet = (field - 1) >> 3;
  const bit = 0x80 >> ((field - 1) & 7);
  const start = digits === 'bcd' ? 2 : 4;
  const present =
    bitmap.encoding === 'binary'
      ? ((packed[start + octet] ?? 0) & bit) !== 0
      : (Number.parseInt(
          String.fromCharCode(...packed.subarray(start + 2 * octet, start + 2 * octet + 2)),
          16,
        ) &
          bit) !==
        0;
  const length = codec.spec.fields[field]?.length ?? 0;
  return present && packed.length >= length ? length : 0;
}
