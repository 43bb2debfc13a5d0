import { createRequire } from 'node:module';
import { compileCodec, isoMessage, loadProfile } from '../../src/iso8583/index.ts';
import { toHex } from '../../src/platform/bytes.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { atLeast, type BenchOptions, compare, type Figure } from './harness.ts';

const CHIP = Uint8Array.from({ length: 140 }, (_, i) => (i * 37) & 255);

/** A 0200 of 18 fields with a field 55 of 140 bytes, against npm `iso_8583` on the same content. */
export async function codecFigures(options: BenchOptions): Promise<readonly Figure[]> {
  const codec = compileCodec(loadProfile(fixturePath('hosts', 'nac.yaml')).message);
  const common = {
    2: '4761739001010010',
    3: '000000',
    4: '000000012000',
    11: '000123',
    12: '101530',
    13: '1121',
    14: '3012',
    22: '051',
    23: '001',
    25: '00',
    35: '4761739001010010=30122010000099900000',
    37: '112109000001',
    38: '123456',
    41: '10000001',
    42: '898310048160001',
    49: '840',
    62: '000123',
  };
  const message = isoMessage('0200', { ...common, 55: CHIP });
  const packed = codec.pack(message);
  const Iso8583 = createRequire(import.meta.url)('iso_8583') as new (
    message?: object,
  ) => {
    getBufferMessage(): Uint8Array;
    getIsoJSON(bytes: Uint8Array): object;
  };
  const fields: Record<string, string> = { 0: '0200', 55: toHex(CHIP) };
  for (const [field, value] of Object.entries(common)) fields[field] = value;
  const theirs = new Iso8583(fields).getBufferMessage();
  const pack = await compare(
    () => codec.pack(message),
    () => new Iso8583(fields).getBufferMessage(),
    options,
  );
  const unpack = await compare(
    () => codec.unpack(packed),
    () => new Iso8583().getIsoJSON(theirs),
    options,
  );
  return [
    atLeast('codec: pack 18 fields', 'npm iso_8583', pack, 20),
    atLeast('codec: unpack', 'npm iso_8583', unpack, 4.5),
  ];
}
