import { createRequire } from 'node:module';
import { compileCodec } from '../../src/iso8583/codec.ts';
import { isoMessage } from '../../src/iso8583/message.ts';
import { loadProfile } from '../../src/iso8583/profile.ts';
import { latin1 } from '../../src/platform/bytes.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { atLeast, type Figure, group, perSecond, race, ratio } from './harness.ts';

/** npm `iso_8583`, the baseline. It writes ASCII only, and holds binary fields as hex. */
const Peer = createRequire(import.meta.url)('iso_8583') as new (
  message?: Record<number, string>,
  formats?: Record<number, object>,
) => {
  getRawMessage(): Uint8Array | { error: string };
  getIsoJSON(bytes: Uint8Array, options: { lenHeader: boolean }): Record<string, string>;
};

const PEER_FORMATS = {
  53: { ContentType: 'n', Label: 'Security control', LenType: 'fixed', MaxLen: 16 },
  64: { ContentType: 'b', Label: 'MAC', LenType: 'fixed', MaxLen: 16 },
};

/** An online sale by chip with PIN: 18 fields, 140 bytes of chip data. */
const TEXT: Readonly<Record<number, string>> = {
  2: '4761739001010119',
  3: '000000',
  4: '000000012000',
  11: '000123',
  14: '3012',
  22: '051',
  23: '001',
  25: '00',
  26: '12',
  35: '4761739001010119=30122010000012300000',
  41: '10000001',
  42: '898310048160001',
  49: '840',
  53: '2600000000000000',
  60: '22000001000500',
  62: '000123',
};
const CHIP = '9F2608A1B2C3D4'.repeat(10);
const PIN_BLOCK = '7434F67813BAE545';
const BATCH = 50;

function ours(profile: string) {
  const codec = compileCodec(loadProfile(fixturePath('hosts', `${profile}.yaml`)).message);
  const message = isoMessage('0200', {
    ...TEXT,
    52: Uint8Array.from(Buffer.from(PIN_BLOCK, 'hex')),
    55: latin1(CHIP),
  });
  const packed = codec.pack(message);
  if (!codec.unpack(packed).ok) throw new Error(`${profile}: the message does not come back`);
  return { codec, message, packed };
}

/** Reads every value, so that nothing can stay packed. */
function unpackAll({ codec, packed }: ReturnType<typeof ours>): number {
  const unpacked = codec.unpack(packed);
  if (!unpacked.ok) throw new Error(unpacked.error.message);
  return unpacked.message.fields.reduce((sum, value) => sum + (value?.length ?? 0), 0);
}

function repeated(work: () => unknown): () => void {
  return () => {
    for (let i = 0; i < BATCH; i++) work();
  };
}

async function measure(): Promise<readonly Figure[]> {
  const theirMessage = { 0: '0200', ...TEXT, 52: PIN_BLOCK, 55: CHIP };
  const theirBytes = new Peer(theirMessage, PEER_FORMATS).getRawMessage();
  if (!(theirBytes instanceof Uint8Array)) throw new Error(JSON.stringify(theirBytes));
  const theirBuffer = Buffer.from(theirBytes);
  const ascii = ours('ascii87');
  if (Buffer.compare(ascii.packed, theirBuffer) !== 0) throw new Error('the two write different bytes');
  const packed = ours('cup');
  const turn = { rounds: 25, sliceMs: 40 };
  const packs = await race(
    [
      {
        name: 'npm',
        batch: BATCH,
        run: repeated(() => new Peer(theirMessage, PEER_FORMATS).getRawMessage()),
      },
      { name: 'ascii87', batch: BATCH, run: repeated(() => ascii.codec.pack(ascii.message)) },
      { name: 'cup', batch: BATCH, run: repeated(() => packed.codec.pack(packed.message)) },
    ],
    turn,
  );
  const unpacks = await race(
    [
      {
        name: 'npm',
        batch: BATCH,
        run: repeated(() => new Peer({}, PEER_FORMATS).getIsoJSON(theirBuffer, { lenHeader: false })),
      },
      { name: 'ascii87', batch: BATCH, run: repeated(() => unpackAll(ascii)) },
      { name: 'cup', batch: BATCH, run: repeated(() => unpackAll(packed)) },
    ],
    turn,
  );
  const figure = (what: string, rates: typeof packs, index: number, spec: string, limit: number): Figure => ({
    name: `${what}, ${spec}, against npm iso_8583`,
    measured: `${perSecond(rates[index] ?? [])} : ${perSecond(rates[0] ?? [])}`,
    value: ratio(rates[index] ?? [], rates[0] ?? []),
    limit: atLeast(limit),
  });
  return [
    figure('pack', packs, 1, 'same bytes (ascii87)', 20),
    figure('pack', packs, 2, 'packed digits (cup)', 20),
    figure('unpack', unpacks, 1, 'same bytes (ascii87)', 4.5),
    figure('unpack', unpacks, 2, 'packed digits (cup)', 4.5),
  ];
}

group(measure);
