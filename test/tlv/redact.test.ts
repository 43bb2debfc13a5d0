import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import type { TraceBody } from '../../src/platform/trace.ts';
import { createRedactor } from '../../src/tlv/redact.ts';

const PAN = '4761739001010119';

function apdu(command: string, response: string): string[] {
  const event: TraceBody = {
    kind: 'apdu',
    interface: 'contact',
    command: fromHex(command),
    response: fromHex(response),
  };
  const seen = createRedactor()(event) as typeof event;
  return [toHex(seen.command), toHex(seen.response)];
}

describe('the redactor', () => {
  it('hides the PIN block of VERIFY whatever the answer', () => {
    expect(apdu('0020008008241234FFFFFFFFFF', '63C2')[0]).toBe('0020008008FFFFFFFFFFFFFFFF');
  });

  it('masks PAN and tracks in a record', () => {
    const record = `70 2C 5A08${PAN} 5713${PAN}D22122011143804400000F 9F1F 03 313233 5F3401 01 9000`;
    const bytes = fromHex(record);
    bytes[1] = bytes.length - 4;
    const [, seen] = apdu('00B2010C00', toHex(bytes));
    expect(seen).not.toContain(PAN);
    expect(seen).toContain('5A08476173FFFFFF0119');
    expect(seen).not.toContain('1143804400000');
    expect(seen).not.toContain('313233');
    expect(seen).toContain('5F340101');
  });

  it('masks them in a broken record too', () => {
    const [, seen] = apdu('00B2010C00', `70F05A08${PAN}9000`);
    expect(seen).not.toContain(PAN);
  });

  it('leaves other answers as they are', () => {
    const text = '771E9F2701809F360200019F2608112233445566778899'.slice(0, 30);
    expect(apdu('80AE8000', `${text}9000`)[1]).toBe(`${text}9000`);
  });

  it('masks message fields', () => {
    const seen = createRedactor()({
      kind: 'message',
      direction: 'sent',
      mti: '0200',
      fields: {
        2: PAN,
        3: '000000',
        35: `${PAN}=2212`,
        52: '0102030405060708',
        55: `5A08${PAN}9F3704AABBCCDD`,
      },
    });
    expect(JSON.stringify(seen)).not.toContain(PAN);
    expect(JSON.stringify(seen)).not.toContain('0102030405060708');
    expect(seen).toMatchObject({ fields: { 2: '476173******0119', 3: '000000' } });
  });

  it('masks frames of devices and lines for people', () => {
    const frame = createRedactor()({
      kind: 'device',
      device: 'pn532',
      direction: 'in',
      bytes: fromHex(`00FF D541 5A08${PAN}`),
    });
    expect(frame.kind === 'device' && toHex(frame.bytes)).not.toContain(PAN);
    const print = createRedactor()({ kind: 'print', lines: [`CARD ${PAN}`, 'RRN 261121000001'] });
    expect(print).toMatchObject({ lines: ['CARD 476173******0119', 'RRN 261121000001'] });
  });
});

describe('the redactor, once a card has shown its number', () => {
  const TRACK = `${PAN}D22122011143804400000F`;
  const CARD = `701D5A08${PAN}5711${TRACK.slice(0, 34)}9000`;
  const cdol = (data: string): string => {
    const redact = createRedactor();
    const event = { kind: 'apdu', interface: 'contact' } as const;
    redact({ ...event, command: fromHex('00B2010C00'), response: fromHex(CARD) });
    const length = (data.length / 2).toString(16).padStart(2, '0');
    const command = fromHex(`80AE8000${length}${data}00`);
    const seen = redact({ ...event, command, response: fromHex('6985') });
    return seen.kind === 'apdu' ? toHex(seen.command).slice(10, -2) : '';
  };

  it.each([
    ['the number between other objects', `000000001000${PAN}0840`, '000000001000476173FFFFFF01190840'],
    ['the number with its padding', `${PAN}FFFF`, '476173FFFFFF0119FFFF'],
    ['the number cut off by the list', PAN.slice(0, 14), '476173FFFFFFFF'],
    ['the track', TRACK.slice(0, 34), `476173FFFFFF0119D${'F'.repeat(17)}`],
    ['another number of the same bank', `476173${'0'.repeat(10)}`, `476173${'0'.repeat(10)}`],
  ])('masks %s in data without tags', (_, data, seen) => {
    expect(cdol(data)).toBe(seen);
  });

  it('masks it in the frames of a device', () => {
    const redact = createRedactor();
    redact({
      kind: 'apdu',
      interface: 'contact',
      command: fromHex('00B2010C00'),
      response: fromHex(CARD),
    });
    const frame = redact({ kind: 'device', device: 'r', direction: 'out', bytes: fromHex(`D440${PAN}`) });
    expect(frame).toMatchObject({ bytes: fromHex('D440476173FFFFFF0119') });
  });
});
