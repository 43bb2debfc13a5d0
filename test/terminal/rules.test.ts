import { describe, expect, it } from 'vitest';
import { Pan } from '../../src/platform/secret.ts';
import { brokenBooks } from '../support/invariants.ts';
import { Shop } from '../support/shop.ts';

const CHIP = { card: 'visa-credit' } as const;
const TAP = { card: 'visa-contactless', by: 'tap' } as const;

/** Puts declined rows into the open batch. */
function fill(shop: Shop, count: number): void {
  const { journal } = shop.terminal.context;
  journal.commit('rows', () => {
    for (let i = 0; i < count; i++) {
      const { id } = journal.transactions.insert(journal.batches.ensureOpen(0).id, {
        kind: 'sale',
        state: 'PENDING',
        online: true,
        stan: journal.counters.next('stan'),
        invoice: journal.counters.next('invoice'),
        amountMinor: 1,
        currency: '840',
        cardData: { pan: new Pan('4761739001010010') },
        entryMode: '052',
        atMs: 0,
        detail: { interface: 'contact' },
      });
      journal.transactions.advance(id, { state: 'DECLINED', responseCode: '05' });
    }
  });
}

describe('a sale is refused', () => {
  it('when the disk is full, before the host is asked; the day can still be settled', async () => {
    let freeBytes = 1 << 30;
    const shop = await Shop.open({ freeBytes: () => freeBytes });
    await shop.sale({ keys: '1234E' }, CHIP);
    const asked = shop.sent().length;
    freeBytes = 1 << 20;
    expect(await shop.sale({ keys: '1234E' }, CHIP)).toMatchObject({
      code: 'REFUSED',
      message: 'disk-full',
    });
    expect(shop.sent()).toHaveLength(asked);
    expect(await shop.settle()).toMatchObject({ kind: 'settled' });
    expect(brokenBooks(shop.terminal.context.journal, shop.host)).toEqual([]);
  });

  it('while a settlement has to be finished, also after a power cut', async () => {
    const shop = await Shop.open();
    await shop.sale({ keys: '1234E' }, CHIP);
    shop.host.host.setAnswer({ when: { mti: '0500' }, code: '96' });
    expect(await shop.settle()).toMatchObject({ kind: 'failed', code: '96' });
    for (const again of [false, true]) {
      if (again) {
        shop.cut();
        expect(await shop.boot()).toMatchObject({ mustSettle: true });
      }
      expect(await shop.sale({ keys: '1234E' }, CHIP)).toMatchObject({
        code: 'REFUSED',
        message: 'must-settle',
      });
      expect((await shop.refund({}, CHIP)).code).toBe('REFUSED');
      expect((await shop.void(1)).code).toBe('REFUSED');
    }
    expect(await shop.settle()).toMatchObject({ kind: 'settled' });
    expect((await shop.sale({ keys: '1234E' }, CHIP)).code).toBe('APPROVED_ONLINE');
  });

  it('when the batch holds 999 transactions, and not before', async () => {
    const shop = await Shop.open();
    fill(shop, 998);
    expect((await shop.sale({ keys: '1234E' }, CHIP)).code).toBe('APPROVED_ONLINE');
    expect(await shop.sale({ keys: '1234E' }, CHIP)).toMatchObject({
      code: 'REFUSED',
      message: 'batch-full',
    });
    await shop.settle();
    expect((await shop.sale({ keys: '1234E' }, CHIP)).code).toBe('APPROVED_ONLINE');
  });

  it('when the secure module has no key left; what is due still says so', async () => {
    const shop = await Shop.open();
    await shop.sale({ amountMinor: 850 }, TAP);
    shop.terminal.context.journal.keyStore.atomically((write) => write.put('dukpt/0/ksn', new Uint8Array(0)));
    expect(await shop.sale({ keys: '1234E' }, CHIP)).toMatchObject({ code: 'REFUSED', message: 'no-keys' });
    expect(shop.devices.pinPad.prompts).toEqual([]);
    expect(await shop.settle()).toEqual({ kind: 'failed', reason: 'outbox' });
    expect(shop.terminal.context.journal.outbox.waiting()).toBe(1);
  });

  it('while another flow is at work', async () => {
    const shop = await Shop.open();
    const first = shop.sale({ amountMinor: 850 }, TAP);
    await expect(shop.terminal.sale({ amountMinor: 1 })).rejects.toThrow(/busy with a sale/);
    expect((await first).code).toBe('APPROVED_OFFLINE');
  });
});

describe('a terminal that stores nothing any more', () => {
  it('fails before the host is asked, and is free again', async () => {
    const shop = await Shop.open();
    const { journal } = shop.terminal.context;
    const { insert } = journal.transactions;
    journal.transactions.insert = () => {
      throw new Error('disk full');
    };
    await expect(shop.sale({ keys: '1234E' }, CHIP)).rejects.toThrow('disk full');
    expect(shop.sent()).toEqual([]);
    journal.transactions.insert = insert;
    shop.devices.reader.remove();
    expect((await shop.sale({ keys: '1234E' }, CHIP)).code).toBe('APPROVED_ONLINE');
  });

  it('fails after the host approved: reversed before the next transaction', async () => {
    const shop = await Shop.open();
    const { journal } = shop.terminal.context;
    const { advance } = journal.transactions;
    journal.transactions.advance = () => {
      throw new Error('disk full');
    };
    await expect(shop.sale({ keys: '1234E' }, CHIP)).rejects.toThrow('disk full');
    expect(shop.screens()).not.toContain('Approved');
    journal.transactions.advance = advance;
    shop.devices.reader.remove();
    expect((await shop.sale({ amountMinor: 500, keys: '1234E' }, CHIP)).code).toBe('APPROVED_ONLINE');
    expect(shop.sent()).toEqual(['0200', '0400', '0200']);
    await shop.settle();
    expect(brokenBooks(journal, shop.host)).toEqual([]);
  });
});

describe('an unsent reversal', () => {
  it('keeps online sales away and lets the card decide, until it is delivered', async () => {
    const shop = await Shop.open();
    shop.host.host.setAnswer({ when: { mti: '0200' }, silence: true });
    shop.host.host.setAnswer({ when: { mti: '0400' }, ignore: true, times: 3 });
    expect((await shop.sale({ keys: '1234E' }, CHIP)).record?.state).toBe('MUST_REVERSE');
    shop.host.host.setAnswer({ when: { mti: '0400' }, ignore: true, times: 3 });
    const declined = await shop.sale({ keys: '1234E' }, CHIP);
    expect([declined.code, shop.sent().filter((mti) => mti === '0200')]).toEqual([
      'DECLINED_OFFLINE',
      ['0200'],
    ]);
    expect((await shop.sale({ keys: '1234E' }, CHIP)).code).toBe('APPROVED_ONLINE');
    await shop.settle();
    expect(brokenBooks(shop.terminal.context.journal, shop.host)).toEqual([]);
  });
});
