import { describe, expect, it } from 'vitest';
import {
  encodeRead,
  encodeSet,
  encodeSettings,
  FUNCTION,
  parseAnswer,
  parseCommand,
} from '../../../devices/magstripe/commands.ts';
import { fromHex, latin1, toHex } from '../../../src/platform/bytes.ts';
import { seededRandom } from '../../../src/platform/random.ts';

const ONE = latin1('1');

describe('commands', () => {
  it.each([
    ['defaults', encodeSet(FUNCTION.defaults), '025318034A'],
    ['read all', encodeRead(FUNCTION.all), '02521F034C'],
    ['enable', encodeSet(FUNCTION.reading, ONE), '02531A01310378'],
    ['9600', encodeSet(FUNCTION.baud, latin1('5')), '02534101350327'],
    ['send sentinels, all of track 2', encodeSet(FUNCTION.sentinels, ONE), '0253190131037B'],
  ])('are those of the manual: %s', (_, command, hex) => {
    expect(toHex(command)).toBe(hex);
    expect(parseCommand(command).kind).not.toBe('invalid');
  });

  it('are heard as they were said', () => {
    expect(parseCommand(encodeSet(FUNCTION.reading, ONE))).toEqual({ kind: 'set', func: 0x1a, data: ONE });
    expect(parseCommand(encodeRead(0x4e))).toEqual({ kind: 'read', func: 0x4e });
  });

  it('are not heard when a byte of them is damaged or missing', () => {
    const command = encodeSet(FUNCTION.reading, ONE);
    for (let at = 0; at < command.length; at++) {
      expect(parseCommand(command.map((byte, i) => (i === at ? byte ^ 1 : byte)))).toEqual({
        kind: 'invalid',
      });
      expect(parseCommand(command.subarray(0, at))).toEqual({ kind: 'invalid' });
    }
  });
});

describe('answers', () => {
  it('are those of the manual', () => {
    expect(parseAnswer(fromHex('0602D3010003D3'), 'settings')).toEqual({
      kind: 'settings',
      settings: new Map([[0xd3, Uint8Array.of(0)]]),
    });
    expect(toHex(encodeSettings(new Map([[0xd3, Uint8Array.of(0)]])))).toBe('0602D3010003D3');
  });

  it.each([
    ['06', 'ack', 'done'],
    ['15', 'ack', 'refused'],
    ['15', 'settings', 'refused'],
    ['', 'ack', 'incomplete'],
    ['06', 'settings', 'incomplete'],
    ['0602D3010003', 'settings', 'incomplete'],
    ['0602D3010003D4', 'settings', 'foreign'],
    ['060300', 'settings', 'foreign'],
    ['3B34', 'ack', 'foreign'],
  ] as const)('%s to a command that expects %s is %s', (hex, expects, kind) => {
    expect(parseAnswer(fromHex(hex), expects).kind).toBe(kind);
  });

  it('are read whatever the bytes are', () => {
    const random = seededRandom('answers');
    for (let n = 0; n < 500; n++) {
      const noise = Uint8Array.from({ length: random.below(40) }, () => random.below(256));
      expect(['incomplete', 'foreign']).toContain(
        parseAnswer(Uint8Array.of(6, 2, ...noise), 'settings').kind,
      );
    }
  });
});
