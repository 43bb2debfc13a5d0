import { describe, expect, it } from 'vitest';
import type { EmvConfig } from '../../src/emv/parameters.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { loadEmvConfig } from '../../src/terminal/config.ts';
import { withPinPad } from '../../src/terminal/pin-capabilities.ts';
import { Shop } from '../support/shop.ts';

/** The PIN bits of 9F33 are those of the terminal file and what the bound pad can do. */

const file = loadEmvConfig(fixturePath('terminals', 'demo.yaml')).emv;
const withCapabilities = (hex: string): EmvConfig => ({
  ...file,
  data: new Map(file.data).set(0x9f33, fromHex(hex)),
});
const capabilities = ({ data }: Pick<EmvConfig, 'data'>) => toHex(data.get(0x9f33) ?? new Uint8Array(0));

describe('the capabilities that the kernels see', () => {
  it.each([
    ['keypad', 'E0F8C8', 'E0F8C8'],
    ['encrypting', 'E0F8C8', 'E068C8'],
    [undefined, 'E0F8C8', 'E028C8'],
    ['keypad', 'E028C8', 'E028C8'],
    ['keypad', 'E0A8C8', 'E0A8C8'],
    ['encrypting', 'E0A8C8', 'E028C8'],
    [undefined, 'E000C8', 'E000C8'],
  ] as const)('with the pad %s and %s in the file', (pad, hex, expected) => {
    expect(capabilities(withPinPad(withCapabilities(hex), pad))).toBe(expected);
  });

  it('include those that an application overrides', () => {
    const [first, ...rest] = file.aids;
    if (first === undefined) throw new Error('no application');
    const overriding = {
      ...file,
      aids: [{ ...first, data: new Map([[0x9f33, fromHex('E0F8C8')]]) }, ...rest],
    };
    const [changed] = withPinPad(overriding, 'encrypting').aids;
    expect(changed && capabilities(changed)).toBe('E068C8');
  });

  it.each([
    ['keypad', '36008080'],
    ['encrypting', '36008080'],
    [undefined, '32008080'],
  ] as const)('of a contactless reader with the pad %s', (pad, ttq) => {
    const [visa] = withPinPad(file, pad).aids;
    expect(toHex(visa?.contactless?.ttq ?? new Uint8Array(0))).toBe(ttq);
  });

  it('leave the file as it is, and share what certificates gave', () => {
    const changed = withPinPad(file, undefined);
    expect(capabilities(file)).toBe('E0F8C8');
    expect(changed.issuerKeys).toBe(file.issuerKeys);
    expect(withPinPad(file, 'keypad')).toBe(file);
  });
});

describe('a sale without a PIN pad', () => {
  async function sale(card: string, by: 'insert' | 'tap', padKind: 'encrypting' | undefined) {
    const shop = await Shop.open();
    shop.terminal.context.secure.padKind = () => padKind;
    const result = await shop.sale({ keys: '1234E' }, { card, by });
    return { shop, result };
  }

  it('has the slip signed where the card allows it, and takes no PIN', async () => {
    const { shop, result } = await sale('visa-credit', 'insert', undefined);
    expect(result).toMatchObject({ code: 'APPROVED_ONLINE', message: 'approved-sign' });
    expect(shop.devices.pinPad.prompts).toEqual([]);
  });

  it('leads a card that wants an offline PIN on, and an encrypting pad to the online PIN', async () => {
    const none = await sale('debit-offline-pin', 'insert', undefined);
    expect(none.shop.devices.pinPad.prompts).toEqual([]);
    const encrypting = await sale('debit-offline-pin', 'insert', 'encrypting');
    expect(encrypting.shop.devices.pinPad.prompts.map(({ purpose }) => purpose)).toEqual(['online']);
    expect(encrypting.result).toMatchObject({ code: 'APPROVED_ONLINE', record: { entryMode: '051' } });
  });

  it('has a tap above the CVM limit signed', async () => {
    const { shop, result } = await sale('visa-contactless', 'tap', undefined);
    expect([result.message, shop.devices.pinPad.prompts]).toEqual(['approved-sign', []]);
  });
});
