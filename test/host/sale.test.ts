import { describe, expect, it } from 'vitest';
import { tdesEncrypt } from '../../src/crypto/des.ts';
import { initialKey, pinKey, transactionKey } from '../../src/crypto/dukpt-tdes.ts';
import { iccMasterKey } from '../../src/crypto/emv-keys.ts';
import { encodePinBlock, pinFromText } from '../../src/crypto/pin-block.ts';
import { fromHex, fromLatin1, toHex, xor } from '../../src/platform/bytes.ts';
import { encodeTlv, parseTlv } from '../../src/tlv/ber.ts';
import { amount, BDK, chipData, chipSale, IMK, NOON, PAN, STRIPE_PAN, World } from './world.ts';

const CHIP = { atc: 1, amountMinor: 10_000, pin: '1234' };

describe('a sale', () => {
  it('by chip with online PIN is approved, with the issuer’s answer for the card', async () => {
    const world = new World();
    const terminal = world.terminal();
    const answer = await terminal.answer(chipSale(terminal, CHIP));
    expect(answer?.mti).toBe('0210');
    expect(answer?.fields[39]).toBe('00');
    expect(answer?.fields[38]).toMatch(/^\d{6}$/);
    expect(answer?.fields[37]).toMatch(/^112112\d{6}$/);
    expect(answer?.fields[4]).toBe(amount(10_000));
    expect(answer?.fields[12]).toBe('120000');
    expect(answer?.fields[13]).toBe('1121');
    const parsed = parseTlv(answer?.fields[55] as Uint8Array);
    if (!parsed.ok) throw new Error(parsed.error.message);
    const sent = parseTlv(chipData(CHIP));
    const arqc = sent.ok ? (sent.items[0]?.value as Uint8Array) : new Uint8Array(8);
    const master = iccMasterKey(fromHex(IMK), PAN, '01', 'A');
    const arpc = tdesEncrypt(master, xor(arqc, fromHex('3030000000000000')));
    expect(parsed.items.map(({ tag, value }) => [tag, toHex(value)])).toEqual([[0x91, `${toHex(arpc)}3030`]]);
    expect(world.host.batches()[0]?.totals.sales).toEqual({ count: 1, amountMinor: 10_000 });
    expect(world.host.ledger().balances).toEqual({
      'customer/476173******0119': 10_000,
      'merchant/10000001': -10_000,
    });
    expect(world.host.alarms()).toEqual([]);
  });

  it('gives every transaction a reference number of its own', async () => {
    const world = new World();
    const terminal = world.terminal();
    const other = world.terminal('10000002', 'FFFF9876543211000000');
    const rrns = [];
    for (const sender of [terminal, other, terminal]) {
      rrns.push((await sender.answer(sender.sale(100)))?.fields[37]);
    }
    expect(new Set(rrns).size).toBe(3);
  });

  it.each([
    ['card unknown', { 2: '4999999999999996' }, '14'],
    ['card blocked', { 2: '4000000000000002' }, '62'],
    ['card expired', { 2: '4000000000000010', 14: '2610' }, '54'],
    ['expiry not that of the card', { 14: '3012' }, '54'],
    ['over the card’s limit', { 4: amount(50_001) }, '61'],
    ['amount zero', { 4: amount(0) }, '13'],
    ['another currency', { 49: '156' }, '12'],
    ['no invoice', { 62: undefined }, '30'],
    ['an invoice of letters', { 62: 'ABCDEF' }, '30'],
    ['no amount', { 4: undefined }, '30'],
    ['no entry mode', { 22: undefined }, '30'],
    ['no card number', { 2: undefined }, '30'],
    ['two card numbers that differ', { 35: `${PAN}=2912101` }, '30'],
    ['trace number zero', { 11: '000000' }, '30'],
    ['an unknown processing code', { 3: '550000' }, '12'],
    ['a chip card swiped', { 2: undefined, 35: '4000000000000028=2912201' }, '45'],
    ['a service code edited', { 2: undefined, 35: '4000000000000028=2912101' }, '59'],
    ['chip entry without chip data', { 22: '051' }, '30'],
  ])('is declined: %s', async (_, fields, code) => {
    const world = new World();
    const terminal = world.terminal();
    expect(await terminal.code(terminal.sale(1_000, fields))).toBe(code);
    expect(world.host.ledger().entries).toEqual([]);
    expect(world.host.batches().every(({ totals }) => totals.sales.count === 0)).toBe(true);
  });

  it('accepts a swipe as a fallback', async () => {
    const world = new World();
    const terminal = world.terminal();
    const fields = { 2: undefined, 22: '801', 35: '4000000000000028=2912201' };
    expect(await terminal.code(terminal.sale(1_000, fields))).toBe('00');
  });

  it('is declined when the funds are used up, also by a hold', async () => {
    const world = new World();
    const terminal = world.terminal();
    const hold = { ...CHIP, amountMinor: 60_000, atc: 1 };
    const held = terminal.build('0100', {
      3: '300000',
      4: amount(60_000),
      22: '051',
      23: '001',
      25: '06',
      35: `${PAN}=2912201123456789`,
      55: chipData(hold),
    });
    expect(await terminal.code(held)).toBe('00');
    expect(await terminal.code(chipSale(terminal, { ...CHIP, amountMinor: 40_001, atc: 2 }))).toBe('51');
    expect(await terminal.code(chipSale(terminal, { ...CHIP, amountMinor: 40_000, atc: 3 }))).toBe('00');
  });
});

describe('the chip', () => {
  it.each([
    ['a cryptogram that was altered', { tamper: { 40742: '0000000000000000' } }],
    ['an amount that was altered', { tamper: { 40706: amount(1) } }],
    ['another unpredictable number', { tamper: { 40759: '00000000' } }],
    ['a cryptogram over another amount', { amountMinor: 9_999 }],
    ['a cryptogram of another type', { cid: 0x40 }],
    ['another cryptogram version', { tamper: { 40720: '06011203A00000' } }],
    ['an offline PIN that the card has not seen', { cvmResults: '410302' }],
  ])('is refused with %s', async (_, change) => {
    const world = new World();
    const terminal = world.terminal();
    const sale = chipSale(terminal, { ...CHIP, ...change }, { 4: amount(10_000) });
    expect(await terminal.code(sale)).toBe('59');
    expect(world.host.alarms()).toHaveLength(1);
    expect(world.host.ledger().entries).toEqual([]);
  });

  it('accepts an offline PIN that card and terminal agree on', async () => {
    const world = new World();
    const terminal = world.terminal();
    const sale = chipSale(terminal, { atc: 1, amountMinor: 500, cvr: '03A40000', cvmResults: '410302' });
    expect(await terminal.code(sale)).toBe('00');
  });

  it.each(['', '9F2608', '9F2608A1B2C3D4E5F60718'])('is answered with a format error for %j', async (hex) => {
    const world = new World();
    const terminal = world.terminal();
    const fields = hex === '' ? { 55: undefined } : { 55: fromHex(hex) };
    expect(await terminal.code(chipSale(terminal, CHIP, fields))).toBe('30');
  });

  it('must count upwards', async () => {
    const world = new World();
    const terminal = world.terminal();
    expect(await terminal.code(chipSale(terminal, { ...CHIP, atc: 5 }))).toBe('00');
    expect(await terminal.code(chipSale(terminal, { ...CHIP, atc: 5 }))).toBe('59');
    expect(await terminal.code(chipSale(terminal, { ...CHIP, atc: 4 }))).toBe('59');
    expect(await terminal.code(chipSale(terminal, { ...CHIP, atc: 6 }))).toBe('00');
  });
});

describe('the PIN', () => {
  it('may be entered again under the same cryptogram, and three wrong ones end it', async () => {
    const world = new World();
    const terminal = world.terminal();
    expect(await terminal.code(chipSale(terminal, { ...CHIP, pin: '4321' }))).toBe('55');
    expect(await terminal.code(chipSale(terminal, CHIP))).toBe('00');
    expect(await terminal.code(chipSale(terminal, CHIP))).toBe('59');
    for (const code of ['55', '55', '75']) {
      expect(await terminal.code(chipSale(terminal, { ...CHIP, atc: 2, pin: '9999' }))).toBe(code);
    }
    expect(await terminal.code(chipSale(terminal, { ...CHIP, atc: 3 }))).toBe('75');
  });

  it('is bound to the card number', async () => {
    const world = new World();
    const terminal = world.terminal();
    const fields = {
      4: amount(10_000),
      22: '051',
      23: '001',
      35: `${PAN}=2912201123456789`,
      55: chipData(CHIP),
    };
    const foreign = terminal.build('0200', fields, { pin: '1234', pan: '5413330089020011' });
    expect(['55', '99']).toContain(await terminal.code(foreign));
  });

  it('may come from a pad with keys of its own, each KSN of which serves once', async () => {
    const world = new World();
    const terminal = world.terminal();
    const padKsn = fromHex('FFFF98765432F0E00001');
    const padKey = pinKey(transactionKey(initialKey(fromHex(BDK), padKsn), padKsn));
    const block = encodePinBlock({ format: 0, pin: pinFromText('1234'), pan: PAN });
    const fields = { 52: tdesEncrypt(padKey, block), 63: fromLatin1(encodeTlv(0xdf01, padKsn)) };
    expect(await terminal.code(chipSale(terminal, { atc: 1, amountMinor: 100 }, fields))).toBe('00');
    expect(await terminal.code(chipSale(terminal, { atc: 2, amountMinor: 100 }, fields))).toBe('99');
  });

  it('block that is none is answered 99', async () => {
    const world = new World();
    const terminal = world.terminal();
    expect(await terminal.code(chipSale(terminal, CHIP, { 52: fromHex('0000000000000000') }))).toBe('99');
  });
});

it('balance, echo, sign-on and a message nobody knows', async () => {
  const world = new World();
  const terminal = world.terminal();
  const balance = terminal.build('0100', {
    3: '310000',
    22: '051',
    35: `${PAN}=2912201123456789`,
    55: chipData({ atc: 1, amountMinor: 0 }),
    62: undefined,
  });
  expect((await terminal.answer(balance))?.fields[54]).toBe('0002978C000000100000');
  expect((await terminal.exchange(terminal.plain('0800', { 3: '990000' })))?.fields[39]).toBe('00');
  expect((await terminal.exchange(terminal.plain('0800', { 3: '920000' })))?.fields[39]).toBe('00');
  expect((await terminal.exchange(terminal.plain('0800', { 3: '123456' })))?.fields[39]).toBe('12');
  expect((await terminal.exchange(terminal.plain('0600', { 3: '123456' })))?.mti).toBe('0610');
  expect(world.host.transactions()).toEqual([]);
  expect(world.clock.now()).toBe(NOON);
});

it('knows its terminals and their merchants when it has a list', async () => {
  const world = new World({ terminals: [{ tid: '10000001', merchant: '898310048160001' }] });
  const known = world.terminal();
  expect(await known.code(known.sale(100))).toBe('00');
  expect(await known.code(known.sale(100, { 42: '999999999999999' }))).toBe('03');
  const unknown = world.terminal('20000001', 'FFFF9876543211000000');
  expect(await unknown.code(unknown.sale(100))).toBe('97');
  expect((await unknown.exchange(unknown.plain('0800', { 3: '990000' })))?.fields[39]).toBe('97');
});

it('masks card numbers in everything that it shows', async () => {
  const world = new World();
  const terminal = world.terminal();
  await terminal.code(terminal.sale(100));
  const shown = JSON.stringify([world.host.transactions(), world.host.batches(), world.host.ledger()]);
  expect(shown).not.toContain(STRIPE_PAN);
  expect(shown).toContain('622588******0019');
});
