import { describe, expect, it } from 'vitest';
import { memoryPair } from '../../../devices/transport/memory.ts';
import { record } from '../../../devices/transport/recorder.ts';
import { formatRow, parseTranscript } from '../../../devices/transport/transcript.ts';
import { fromHex } from '../../../src/platform/bytes.ts';
import { NEVER, VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';

const text = `# a comment
## a session
   0.224  H>D  55 55 00 00   # wake-up
   0.225  D>H  00 00 FF 00 FF 00   # ACK

          ...  previous exchange repeated 12 more time(s)
   3.001  ---     # card inserted
  10.5  D>H  d503
`;

describe('the transcript format', () => {
  it('is read', () => {
    expect(parseTranscript(text)).toEqual({
      kind: 'transcript',
      rows: [
        { seconds: 0.224, direction: 'H>D', bytes: fromHex('55550000'), comment: 'wake-up' },
        { seconds: 0.225, direction: 'D>H', bytes: fromHex('0000FF00FF00'), comment: 'ACK' },
        { seconds: 3.001, direction: '---', bytes: fromHex(''), comment: 'card inserted' },
        { seconds: 10.5, direction: 'D>H', bytes: fromHex('D503'), comment: '' },
      ],
    });
  });

  it('is written as it is read', () => {
    const parsed = parseTranscript(text);
    if (parsed.kind !== 'transcript') throw new Error(parsed.reason);
    const written = parsed.rows.map(formatRow);
    expect(written[0]).toBe('   0.224  H>D  55 55 00 00   # wake-up');
    expect(written[2]).toBe('   3.001  ---   # card inserted');
    expect(parseTranscript(written.join('\n'))).toEqual(parsed);
  });

  it.each([
    ['0.1 H>D 5', 1],
    ['\n\n0.1 H>D XY', 3],
    ['0.1 H<D 55', 1],
    ['H>D 55', 1],
  ])('refuses %j', (wrong, line) => {
    expect(parseTranscript(wrong)).toMatchObject({ kind: 'malformed', line });
  });

  it('answers to any text', () => {
    const random = seededRandom('transcript');
    for (let i = 0; i < 200; i++) {
      const noise = Array.from(random.bytes(random.below(80)), (byte) => '0123 .#H>D-A\n'[byte % 13]).join(
        '',
      );
      expect(['transcript', 'malformed']).toContain(parseTranscript(noise).kind);
    }
  });
});

describe('a recorder', () => {
  it('writes down both directions with wire time, events and the end', async () => {
    const clock = new VirtualClock(5000);
    const [near, far] = memoryPair(clock);
    const rows: string[] = [];
    const { stream, event } = record(near, clock, (row) => rows.push(row));
    await stream.write(fromHex('D402'));
    await clock.advance(15);
    await far.write(fromHex('00FF'));
    expect(await stream.read(NEVER)).toEqual(fromHex('00FF'));
    event('card\ninserted');
    await far.close();
    expect(await stream.read(NEVER)).toBeUndefined();
    expect(rows).toEqual([
      '   0.000  H>D  D4 02',
      '   0.015  D>H  00 FF',
      '   0.015  ---   # card inserted',
      '   0.015  ---   # line ended',
    ]);
  });

  it('names the directions from the side of the device', async () => {
    const clock = new VirtualClock(0);
    const [near, far] = memoryPair(clock);
    const rows: string[] = [];
    const { stream } = record(near, clock, (row) => rows.push(row), { side: 'device' });
    await far.write(Uint8Array.of(1));
    await stream.read(NEVER);
    await stream.write(Uint8Array.of(2));
    await stream.close();
    expect(rows).toEqual(['   0.000  H>D  01', '   0.000  D>H  02', '   0.000  ---   # closed']);
  });

  it('masks what it writes down and nothing else', async () => {
    const clock = new VirtualClock(0);
    const [near, far] = memoryPair(clock);
    const rows: string[] = [];
    const mask = (bytes: Uint8Array) => bytes.map(() => 0);
    const { stream } = record(near, clock, (row) => rows.push(row), { mask });
    await stream.write(fromHex('4111'));
    expect(await far.read(NEVER)).toEqual(fromHex('4111'));
    expect(rows).toEqual(['   0.000  H>D  00 00']);
  });
});
