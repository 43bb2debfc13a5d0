import { type IsoMessage, packWithMac } from '../iso8583/index.ts';
import type { OutboxRow } from '../journal/outbox.ts';
import { fromHex, toHex } from '../platform/bytes.ts';
import { PossumError } from '../platform/errors.ts';
import type { MessageKey, ResponseKey } from '../secure/message-key.ts';
import type { SecureModule } from '../secure/secure-module.ts';
import type { OutgoingMessage } from './dialogue.ts';
import type { AcquirerContext } from './settings.ts';

/** Adds KSN, PIN block and MAC as the profile places them (host-protocol 15.2). */
export function protectMessage(
  context: AcquirerContext,
  message: IsoMessage,
  key: MessageKey,
): OutgoingMessage {
  const { profile, codec } = context;
  const fields = message.fields.slice();
  if (profile.ksn !== undefined)
    fields[profile.ksn.field] = profile.ksn.encoding === 'bin10' ? key.ksn : toHex(key.ksn);
  if (profile.pin !== undefined && key.pinBlock !== undefined) fields[profile.pin.field] = key.pinBlock;
  const whole = { mti: message.mti, fields };
  return { message: whole, packed: packWithMac(whole, codec, (input) => key.mac(input)), key };
}

/**
 * A frame that is repeated byte for byte until it is answered, with the key for its answer's MAC, as it rests
 * in an outbox row.
 */
export function storeFrame(outgoing: OutgoingMessage, key: MessageKey, row: OutboxRow): Uint8Array {
  const stored = { frame: toHex(outgoing.packed), key: toHex(key.sealResponseKey(keyContext(row))) };
  return new TextEncoder().encode(JSON.stringify(stored));
}

/** What a message will be built from when it first has to be sent. */
export function storeFields(message: IsoMessage): Uint8Array {
  const fields: Record<number, string> = {};
  const binary: number[] = [];
  message.fields.forEach((value, field) => {
    if (value === undefined) return;
    if (typeof value !== 'string') binary.push(field);
    fields[field] = typeof value === 'string' ? value : toHex(value);
  });
  return new TextEncoder().encode(JSON.stringify({ mti: message.mti, fields, binary }));
}

export type StoredMessage =
  | { readonly kind: 'fields'; readonly message: IsoMessage }
  | { readonly kind: 'frame'; readonly outgoing: OutgoingMessage & { readonly key: ResponseKey } };

/** Reads what {@link storeFrame} or {@link storeFields} wrote. @throws PossumError `STORAGE` when it does not open */
export function readStored(context: AcquirerContext, row: OutboxRow, content: Uint8Array): StoredMessage {
  const stored = JSON.parse(new TextDecoder().decode(content)) as Record<string, unknown>;
  if (typeof stored.frame !== 'string') return { kind: 'fields', message: messageOf(stored) };
  const packed = fromHex(stored.frame);
  const unpacked = context.codec.unpack(packed);
  const key = openKey(context.secure, String(stored.key), row);
  if (!unpacked.ok || key === undefined) {
    throw new PossumError(
      'STORAGE',
      `outbox row ${row.id} does not hold a message of profile ${context.profile.name}`,
      {
        remedy: 'Keep the file and report it; the terminal cannot repeat this message.',
      },
    );
  }
  return { kind: 'frame', outgoing: { message: unpacked.message, packed, key } };
}

function messageOf(stored: Record<string, unknown>): IsoMessage {
  const { mti, fields, binary } = stored as { mti: string; fields: Record<string, string>; binary: number[] };
  const list: IsoMessage['fields'] = new Array(65).fill(undefined);
  for (const [field, value] of Object.entries(fields)) {
    list[Number(field)] = binary.includes(Number(field)) ? fromHex(value) : value;
  }
  return { mti, fields: list };
}

function openKey(secure: SecureModule, sealed: string, row: OutboxRow): ResponseKey | undefined {
  return secure.openResponseKey(fromHex(sealed), keyContext(row));
}

function keyContext(row: OutboxRow): string {
  return `outbox-key/${row.id}`;
}
