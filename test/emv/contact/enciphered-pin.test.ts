import { describe, expect, it } from 'vitest';
import type { IccFile } from '../../../devices/cards/schema.ts';
import { toHex } from '../../../src/platform/bytes.ts';
import {
  answer,
  type Change,
  type Edit,
  emulatedCard,
  flip,
  set,
  testCaKeys,
  without,
} from '../support/emulated.ts';
import { config, pins, run } from '../support/world.ts';

/** Offline enciphered PIN: EMV 4.3 Book 2, section 7; Book 3, section 10.5.1. */

const caKeys = testCaKeys();
const withoutPinKey = ({ pinRsa: _, ...file }: IccFile): IccFile => file;

const withTries = (file: IccFile, tries: number): IccFile =>
  file.pin === undefined ? file : { ...file, pin: { ...file.pin, tries } };

interface Play {
  readonly pin?: readonly string[];
  readonly edit?: Edit;
  readonly change?: Change;
  readonly capabilities?: string;
  readonly ownKey?: boolean;
  /** Tries that the card gives. */
  readonly tries?: number;
}

async function play(given: Play = {}) {
  const { pin = ['entered'], edit, change, capabilities = 'E0F8C8', ownKey = true, tries = 3 } = given;
  const card = emulatedCard('debit-enciphered-pin', {
    ...(edit === undefined ? {} : { edit }),
    ...(change === undefined ? {} : { change }),
    file: (file) => withTries(ownKey ? file : withoutPinKey(file), tries),
  });
  const setting = { ...config({}, { '9F33': capabilities }), caKeys };
  const done = await run(card, { config: setting, services: { pin: pins(...pin), until: 'cvm' } });
  const pinCommands = card.commands
    .filter((hex) => /^(0020|0084)/.test(hex))
    .map((hex) => (hex.startsWith('0020') ? hex.slice(0, 10) : hex));
  return {
    ...done,
    pinCommands,
    triesLeft: card.triesLeft(),
    summary: [done.cvmResults, done.tvr.slice(4, 6), done.result.cvm],
  };
}

/** The key of the card is of 112 bytes, that of its data authentication of 128. */
const CHALLENGE = '0084000000';
const OWN = '0020008870';
const SHARED = '0020008880';
const PLAIN = '0020008008';

describe('an enciphered offline PIN', () => {
  it('is verified under the card’s own key for PINs', async () => {
    const { summary, pinCommands, tsi } = await play();
    expect(summary).toEqual(['440302', '00', 'offline-pin']);
    expect(pinCommands).toEqual([CHALLENGE, OWN]);
    expect(tsi.slice(0, 2)).toBe('C0');
  });

  it('is verified under the key of data authentication when there is no other', async () => {
    const { summary, pinCommands } = await play({
      ownKey: false,
      edit: without(0x9f2d, 0x9f2e, 0x9f2f),
    });
    expect(summary).toEqual(['440302', '00', 'offline-pin']);
    expect(pinCommands).toEqual([CHALLENGE, SHARED]);
  });

  it('takes a new challenge for each try, and the right PIN gives the tries back', async () => {
    const { summary, pinCommands, triesLeft } = await play({ pin: ['9999', '8888', '1234'] });
    expect(summary).toEqual(['440302', '00', 'offline-pin']);
    expect(pinCommands).toEqual([CHALLENGE, OWN, CHALLENGE, OWN, CHALLENGE, OWN]);
    expect(triesLeft).toBe(3);
  });

  it('blocks after three wrong ones; neither PIN of the list is tried again', async () => {
    const { tvr, pinCommands, triesLeft } = await play({ pin: ['9999', '8888', '7777', 'entered'] });
    expect(pinCommands).toHaveLength(6);
    expect([tvr.slice(4, 6), triesLeft]).toEqual(['24', 0]);
  });

  it('is asked for three times at most, also by a card that would take more', async () => {
    const { tvr, pinCommands, triesLeft } = await play({
      pin: ['9999', '8888', '7777', 'entered'],
      tries: 10,
    });
    expect(pinCommands).toHaveLength(6);
    // Not "PIN Try Limit exceeded": the card has not said so.
    expect([tvr.slice(4, 6), triesLeft]).toEqual(['04', 7]);
  });

  it('never travels in the clear, nor twice as the same bytes', async () => {
    const seen: string[] = [];
    const change: Change = (command, response) => {
      if (command[1] === 0x20) seen.push(toHex(command.subarray(5)));
      return response;
    };
    await play({ pin: ['9999', '9999', '1234'], change });
    expect(new Set(seen).size).toBe(3);
    for (const block of seen) expect(block).not.toMatch(/24(9999|1234)FFFFFFFFFF/);
  });

  it.each([
    ['bypassed', ['bypassed'], ['440301', '88', 'failed']],
    ['without a working pad', ['unavailable'], ['440301', '90', 'failed']],
  ])('%s: neither a challenge nor a PIN is sent', async (_, pin, expected) => {
    const onlyThis = set(0x8e, '00000000000000004403');
    const { summary, pinCommands } = await play({ pin, edit: onlyThis });
    expect(summary).toEqual(expected);
    expect(pinCommands).toEqual([]);
  });

  it.each(['cancelled', 'timeout'])('ends the transaction when it is %s', async (why) => {
    expect((await play({ pin: [why] })).code).toBe('CANCELLED');
  });
});

describe('when enciphering fails, the next rule follows, and no bit tells of the pad', () => {
  it.each([
    ['the certificate of the PIN key is false', { edit: flip(0x9f2d) }],
    ['its exponent is missing', { edit: without(0x9f2e) }],
    ['its remainder is missing', { edit: without(0x9f2f) }],
    ['the issuer certificate is missing', { edit: without(0x90) }],
    ['the CA key is unknown', { edit: set(0x8f, '07') }],
    ['the card gives no challenge', { change: answer(0x84, '6D00') }],
    ['the challenge is short', { change: answer(0x84, '010203049000') }],
  ] as const)('%s', async (_, change) => {
    const { summary, pinCommands } = await play({ pin: ['entered', 'entered', 'entered'], ...change });
    expect(summary[0]).not.toMatch(/^44..02/);
    expect(Number.parseInt(summary[1] ?? '', 16) & 0x30).toBe(0);
    expect(pinCommands.filter((hex) => hex.startsWith('00200088'))).toEqual([]);
  });

  it('a card that leaves at the challenge ends the transaction', async () => {
    expect((await play({ change: answer(0x84, '') })).code).toBe('CARD_ERROR');
  });
});

describe('no way down to a PIN in the clear', () => {
  it('where the terminal does not support it: the online PIN follows', async () => {
    const { summary, pinCommands } = await play({
      capabilities: 'E078C8',
      change: answer(0x84, '6D00'),
      pin: ['entered', 'entered'],
    });
    expect(pinCommands.filter((hex) => hex.startsWith(PLAIN))).toEqual([]);
    expect(summary).toEqual(['420300', '04', 'online-pin']);
  });

  it.each([
    ['a changed CVM list that asks for it', set(0x8e, '000000000000000041034203')],
    ['certificates that are gone', without(0x90)],
    ['a CA key that nobody knows', set(0x8f, '07')],
  ])('to a card whose data authentication failed by %s', async (_, edit) => {
    const { summary, pinCommands, tvr } = await play({ edit, pin: ['entered', 'entered'] });
    expect(pinCommands.filter((hex) => hex.startsWith(PLAIN))).toEqual([]);
    expect(Number.parseInt(tvr.slice(0, 2), 16) & 0x08).toBe(0x08);
    expect(summary).toEqual(['420300', '0C', 'online-pin']);
  });

  it('but a genuine card may be given one by its list', async () => {
    const { summary, pinCommands } = await play({
      change: answer(0x84, '6D00'),
      pin: ['entered', 'entered'],
    });
    expect(pinCommands).toEqual([CHALLENGE, PLAIN]);
    expect(summary).toEqual(['410302', '00', 'offline-pin']);
  });
});
