import { encodeTlv } from '../tlv/ber.ts';
import { TAG } from './tags.ts';

/** Command APDUs of EMV (Book 1, section 11; Book 3, section 6.5). Commands that want data end in Le = 00. */

function withData(header: readonly number[], data: Uint8Array): Uint8Array {
  const command = new Uint8Array(header.length + data.length + 2);
  command.set(header);
  command[header.length] = data.length;
  command.set(data, header.length + 1);
  return command;
}

/** SELECT by name: the first occurrence, or the next one. */
export function selectCommand(name: Uint8Array, next = false): Uint8Array {
  return withData([0x00, 0xa4, 0x04, next ? 0x02 : 0x00], name);
}

/** READ RECORD. */
export function readRecordCommand(sfi: number, record: number): Uint8Array {
  return Uint8Array.of(0x00, 0xb2, record, (sfi << 3) | 0x04, 0x00);
}

/** GET PROCESSING OPTIONS; `pdolData` without its template. */
export function getProcessingOptionsCommand(pdolData: Uint8Array): Uint8Array {
  return withData([0x80, 0xa8, 0x00, 0x00], encodeTlv(TAG.commandTemplate, pdolData));
}

/** GET DATA for a tag of one or two bytes. */
export function getDataCommand(tag: number): Uint8Array {
  return Uint8Array.of(0x80, 0xca, tag >> 8, tag & 0xff, 0x00);
}

/** GET CHALLENGE. */
export function getChallengeCommand(): Uint8Array {
  return Uint8Array.of(0x00, 0x84, 0x00, 0x00, 0x00);
}

/** INTERNAL AUTHENTICATE; `ddolData` is what the DDOL asks for. */
export function internalAuthenticateCommand(ddolData: Uint8Array): Uint8Array {
  return withData([0x00, 0x88, 0x00, 0x00], ddolData);
}

/** The cryptogram that is asked for: the two top bits of P1. */
export const REQUEST = { AAC: 0x00, TC: 0x40, ARQC: 0x80 } as const;
export type RequestedType = keyof typeof REQUEST;

/** GENERATE AC. */
export function generateAcCommand(type: RequestedType, cda: boolean, cdolData: Uint8Array): Uint8Array {
  return withData([0x80, 0xae, REQUEST[type] | (cda ? 0x10 : 0), 0x00], cdolData);
}

/** EXTERNAL AUTHENTICATE with Issuer Authentication Data: a case 3 command, no Le. */
export function externalAuthenticateCommand(issuerAuthenticationData: Uint8Array): Uint8Array {
  return withData([0x00, 0x82, 0x00, 0x00], issuerAuthenticationData).subarray(0, -1);
}
