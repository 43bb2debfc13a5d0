import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../../src/platform/trace.ts';
import { Shop } from '../support/shop.ts';

const TAP = { card: 'visa-contactless', by: 'tap' } as const;

describe('a terminal that was tampered with', () => {
  it.each([
    { language: 'en', shown: 'Out of service: tampering, keys erased' },
    { language: 'zh', shown: '设备已停用：检测到拆机，密钥已清除' },
  ] as const)('says so in $language and takes no sale, void or settlement', async ({ language, shown }) => {
    const shop = await Shop.open({ settings: (settings) => ({ ...settings, language }) });
    expect((await shop.sale({ amountMinor: 850 }, TAP)).code).toBe('APPROVED_OFFLINE');
    shop.terminal.context.secure.tamper('the case was opened');
    const refused = await shop.sale({ amountMinor: 850 }, TAP);
    const reason = 'out of service: tampered with (the case was opened)';
    expect([refused.code, refused.reason]).toEqual(['REFUSED', reason]);
    expect(shop.screens().at(-1)).toBe(shown);
    expect((await shop.void(1)).reason).toBe(reason);
    await expect(shop.settle()).rejects.toMatchObject({
      code: 'STATE',
      message: `the terminal is ${reason}`,
    });
    await expect(shop.terminal.reprint(1)).rejects.toMatchObject({ code: 'STATE' });
  });

  it('sends nothing more, whatever the moment, and says so last', async () => {
    const moments = {
      'before the request': (event: TraceEvent) => event.kind === 'key',
      'while the answer is awaited': (event: TraceEvent) =>
        event.kind === 'message' && event.direction === 'sent',
      'when the answer comes': (event: TraceEvent) =>
        event.kind === 'message' && event.direction === 'received',
    };
    for (const [moment, isNow] of Object.entries(moments)) {
      const shop = await Shop.open();
      let stop = () => {};
      stop = shop.trace.subscribe((event) => {
        if (!isNow(event)) return;
        stop();
        shop.terminal.context.secure.tamper(moment);
      });
      const outcome = await shop.sale({ keys: '1234E' }, { card: 'visa-credit' }).then(
        ({ code }) => code,
        ({ code }) => code,
      );
      expect([moment, outcome]).toEqual([
        moment,
        moment === 'before the request' ? 'DECLINED_OFFLINE' : 'STATE',
      ]);
      expect(shop.sent()).toEqual(moment === 'before the request' ? [] : ['0200']);
      expect(shop.screens().at(-1)).toBe('Out of service: tampering, keys erased');
      expect(shop.screens()).not.toContain('Approved');
      expect(shop.slips()).not.toContain('APPROVED');
    }
  });

  it('stays so when it boots again, and recovers nothing', async () => {
    const shop = await Shop.open();
    await shop.sale({ amountMinor: 850 }, TAP);
    shop.terminal.context.secure.tamper('drill');
    shop.cut();
    await shop.boot();
    expect(shop.screens().at(-1)).toBe('Out of service: tampering, keys erased');
    expect((await shop.sale({ amountMinor: 850 }, TAP)).code).toBe('REFUSED');
  });
});
