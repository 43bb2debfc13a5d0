import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { transactionKey, withCounter } from '../../src/crypto/dukpt-tdes.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { Shop } from '../support/shop.ts';

const INITIAL_KEY = '6AC292FAA1315B4D858AB3A3D7D5933A';
const KSN = 'FFFF9876543210E00000';

/** Card numbers of the cards that are used below, and what stands behind them on the tracks. */
const PANS = [
  '4761739001010010',
  '4761739001010028',
  '4761739001010119',
  '5413339001010018',
  '9990000000000016',
];
const TRACK_TAILS = ['30122010000099900000', '30122010000012300000', '30121010000012300000'];
/** The offline PIN as its format 2 block. */
const PIN_BLOCK = '241234FFFFFFFFFF';

const KEYS = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((counter) =>
  toHex(transactionKey(fromHex(INITIAL_KEY), withCounter(fromHex(KSN), counter))),
);

interface Artefact {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every canary in text, in upper and lower hex and as raw bytes. */
function sightings(artefact: Artefact, canaries: readonly string[]): readonly string[] {
  return canaries.filter((canary) => {
    const forms = [Buffer.from(canary), Buffer.from(canary.toLowerCase())];
    if (canary.length % 2 === 0) forms.push(Buffer.from(canary, 'hex'));
    return forms.some((form) => artefact.bytes.includes(form));
  });
}

function filesOf(folder: string): readonly Artefact[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((name) => ({ name, bytes: readFileSync(name) }));
}

async function day(): Promise<Shop> {
  const shop = await Shop.open();
  await shop.sale({ keys: '1234E' }, { card: 'visa-credit' });
  await shop.sale({ keys: '1234E' }, { card: 'debit-offline-pin' });
  await shop.sale({ keys: '9999E1234E' }, { card: 'mastercard-cda' });
  shop.line.up = false;
  await shop.sale({ amountMinor: 850 }, { card: 'visa-contactless', by: 'tap' });
  shop.line.up = true;
  await shop.sale({ keys: '1234E' }, { card: 'stripe-only', by: 'swipe' });
  shop.host.host.setAnswer({ when: { mti: '0200' }, silence: true });
  await shop.sale({ keys: '1234E' }, { card: 'visa-credit' });
  return shop;
}

describe('after a day nothing secret is left', () => {
  it('in the files, the trace, the slips, the screens and the objects', async () => {
    const shop = await day();
    expect(shop.records().length).toBeGreaterThanOrEqual(5);
    const artefacts: readonly Artefact[] = [
      ...filesOf(shop.folder),
      { name: 'trace', bytes: Buffer.from(JSON.stringify(shop.events, hexBytes)) },
      { name: 'slips', bytes: Buffer.from(shop.slips()) },
      { name: 'screens', bytes: Buffer.from(JSON.stringify(shop.devices.display.history)) },
      {
        name: 'objects',
        bytes: Buffer.from(inspect(shop.terminal.context.secure, { depth: 8, showHidden: true })),
      },
      {
        name: 'settings',
        bytes: Buffer.from(inspect(shop.settings, { depth: 4 }) + JSON.stringify(shop.settings.keys)),
      },
    ];
    const canaries = [...PANS, ...TRACK_TAILS, PIN_BLOCK, INITIAL_KEY, ...KEYS];
    const found = artefacts.flatMap((artefact) =>
      sightings(artefact, canaries).map((canary) => `${artefact.name}: ${canary}`),
    );
    expect(found).toEqual([]);
  });

  it('of the card numbers once the batch is settled, not even sealed', async () => {
    const shop = await day();
    expect((await shop.settle()).kind).toBe('settled');
    for (const record of shop.records()) {
      expect(() => shop.terminal.context.journal.transactions.cardData(record.id)).toThrow(/erased/);
    }
  });

  it('and the search finds what is planted', () => {
    const planted = { name: 'plant', bytes: Buffer.from(`…${PANS[0]}…`) };
    expect(sightings(planted, PANS)).toEqual([PANS[0]]);
    expect(sightings({ name: 'raw', bytes: Buffer.from(INITIAL_KEY, 'hex') }, [INITIAL_KEY])).toHaveLength(1);
  });
});

/** Bytes in a trace event print as hex, so that the search sees them. */
function hexBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? toHex(value) : value;
}
