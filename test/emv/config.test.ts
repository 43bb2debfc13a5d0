import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { buildEmvConfig, type EmvConfigInput, emvConfigShape } from '../../src/emv/config.ts';
import { DataStore } from '../../src/emv/data-store.ts';
import { buildField55 } from '../../src/emv/field55.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { loadConfig, parseConfig } from '../../src/platform/config.ts';
import { isTestPan } from '../../src/platform/test-cards.ts';
import { TERMINAL } from './support/world.ts';

const schema = () => z.strictObject(emvConfigShape());
const read = (text: string) => buildEmvConfig(parseConfig(text, 'terminal.yaml', schema), 'terminal.yaml');

const DATA = 'data: {9F1A: 0840, 5F2A: 0840, 5F36: 02, 9F33: E0F8C8, 9F35: 22, 9F40: F000F0A001}';

describe('the EMV part of a terminal file', () => {
  it('takes hex without quotes, leading zeros included', () => {
    const config = read(`${DATA}\naids: [{aid: A0000000031010, version: 0096, tac: {denial: 0010000000}}]`);
    expect(toHex(config.data.get(0x9f1a) ?? new Uint8Array(0))).toBe('0840');
    expect(toHex(config.data.get(0x5f36) ?? new Uint8Array(0))).toBe('02');
    expect(toHex(config.aids[0]?.version ?? new Uint8Array(0))).toBe('0096');
    expect(toHex(config.aids[0]?.tac.denial ?? new Uint8Array(0))).toBe('0010000000');
  });

  it('has defaults for what is not said', () => {
    const config = read(`${DATA}\naids: [{aid: A000000003101001}]`);
    expect(config.aids[0]).toMatchObject({ match: 'partial', contact: true, floorLimitMinor: 0 });
    expect(config).toMatchObject({ pse: true, cardholderChoice: true, caKeys: [] });
  });

  it.each([
    ['a misspelt key', `${DATA}\naids: [{aid: A0000000031010, floorlimit: 5}]`, /floorlimit.*unknown key/],
    ['a short AID', `${DATA}\naids: [{aid: A000}]`, /aids\.0\.aid: must be 5 to 16 bytes/],
    ['no country', 'data: {5F2A: 0840}\naids: [{aid: A0000000031010}]', /9F1A.*must be given/],
    ['a tag that is none', `data: {9F: 00}\naids: [{aid: A0000000031010}]`, /data\.9F: not a tag/],
    ['a long object', `data: {9F35: 2222}\naids: [{aid: A0000000031010}]`, /data\.9F35: must be 1 bytes/],
    ['no application', `${DATA}\naids: []`, /aids/],
    [
      'a missing CA-key file',
      `${DATA}\naids: [{aid: A0000000031010}]\ncaKeys: none.yaml`,
      /No such file|none.yaml/,
    ],
    ['a short action code', `${DATA}\naids: [{aid: A0000000031010, tac: {online: 00FF}}]`, /tac\.online/],
  ])('refuses %s and says where', (_, text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG', where: expect.any(String) }) as unknown as Error,
    );
    try {
      read(text);
    } catch (error) {
      expect((error as { describe(): string }).describe()).toMatch(message);
    }
  });

  it('can be written as a JSON Schema', () => {
    expect(z.toJSONSchema(schema(), { io: 'input' })).toMatchObject({ type: 'object' });
  });

  it('is that of the demo terminal', () => {
    const file = 'emv-fixtures/terminals/demo.yaml';
    const config = buildEmvConfig(
      loadConfig(file, () => z.looseObject(emvConfigShape())),
      file,
    );
    expect(config.caKeys.length).toBeGreaterThan(0);
    expect(config.aids.some(({ contactless }) => contactless?.kernel === 3)).toBe(true);
  });

  it('may name the public scheme keys', () => {
    const input: EmvConfigInput = { ...TERMINAL, caKeys: '../capk/schemes.json' };
    const config = buildEmvConfig(input, 'emv-fixtures/terminals/any.yaml');
    expect(config.caKeys.length).toBe(166);
  });
});

describe('field 55', () => {
  it('holds the wanted objects in order, without what is missing, or as zeros where the profile says so', () => {
    const data = new DataStore();
    data.set(0x9f02, fromHex('000000001200'));
    data.set(0x9f26, fromHex('1122334455667788'));
    data.set(0x5a, fromHex('4761739001010119'));
    expect(toHex(buildField55(data, [0x9f26, 0x9f27, 0x9f02, 0x9f03], new Map([[0x9f03, 6]])))).toBe(
      '9F260811223344556677889F02060000000012009F0306000000000000',
    );
  });
});

describe('test cards', () => {
  it.each([
    ['4761739001010119', true],
    ['5413330089600044', true],
    ['9990990000000000', true],
    ['9991000000000000', false],
    ['4111111111111111', false],
    ['47617', false],
  ])('%s', (pan, expected) => expect(isTestPan(pan)).toBe(expected));
});
