import { describe, expect, it } from 'vitest';
import type { StripeTracks } from '../../src/ports/index.ts';
import { Shop } from '../support/shop.ts';

const GOOD = '9990000000000016=30121010000012300000';

/** Swipes a stripe that no card file describes. */
async function swipe(tracks: StripeTracks) {
  const shop = await Shop.open();
  const result = await shop.sale({ keys: '1234E' }, ({ devices }) =>
    devices.reader.swipe({
      kind: 'magstripe',
      tracks,
      state: () => ({ cardBlocked: false, applications: {} }),
      restore() {},
    }),
  );
  return { shop, result };
}

describe('a stripe that cannot be trusted', () => {
  it.each([
    { what: 'a wrong check digit', tracks: { track2: '9990000000000017=30121010000012300000' } },
    {
      what: 'another PAN on track 1',
      tracks: { track1: 'B4761739001010010^POSSUM/STRIPE       ^30121010000012300000', track2: GOOD },
    },
    { what: 'no separator', tracks: { track2: '999000000000001630121010000012300000' } },
    { what: 'nothing on it', tracks: {} },
  ])('with $what is refused before anything is sent', async ({ tracks }) => {
    const { shop, result } = await swipe(tracks);
    expect(result.code).toBe('CARD_ERROR');
    expect(shop.sent()).toEqual([]);
    expect(shop.records()).toEqual([]);
  });
});
