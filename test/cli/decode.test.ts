import { describe, expect, it } from 'vitest';
import { WORKED_FRAMES } from '../iso8583/worked-frames.ts';
import { possum } from './in-process.ts';

interface Case {
  readonly topic: string;
  readonly data: string;
  readonly text: readonly string[];
  readonly json: unknown;
}

const CASES: readonly Case[] = [
  {
    topic: 'tlv',
    data: '6F0A8408A000000003101000',
    text: ['6F FCI Template [10]', '  84 Dedicated File (DF) Name [8]: A000000003101000'],
    json: [{ tag: '6F', length: 10, children: [{ tag: '84', length: 8, value: 'A000000003101000' }] }],
  },
  {
    topic: 'dol',
    data: '9F37049F0206',
    text: ['9F37     4  Unpredictable Number', '10 bytes in all'],
    json: {
      entries: [
        { tag: '9F37', length: 4 },
        { tag: '9F02', length: 6 },
      ],
      total: 10,
    },
  },
  {
    topic: 'apdu',
    data: '80AE800004AABBCCDD00',
    text: ['GENERATE AC  CLA 80 INS AE P1 80 P2 00', 'Data [4] AABBCCDD', 'Le 256'],
    json: { cla: '80', ins: 'AE', name: 'GENERATE AC', p1: '80', p2: '00', data: 'AABBCCDD', le: 256 },
  },
  {
    topic: 'apdu',
    data: '00B2010C00',
    text: ['READ RECORD', 'Le 256'],
    json: { name: 'READ RECORD', p1: '01', p2: '0C', le: 256 },
  },
  {
    topic: 'apdu',
    data: '80AE8000000004AABBCCDD0100',
    text: ['Data [4] AABBCCDD', 'Le 256'],
    json: { data: 'AABBCCDD', le: 256 },
  },
  {
    topic: 'apdu',
    data: '9F360200019000',
    text: ['9F36 Application Transaction Counter (ATC) [2]: 0001', 'SW 9000 normal processing'],
    json: { sw: '9000', meaning: 'normal processing', data: [{ tag: '9F36', value: '0001' }] },
  },
  {
    topic: 'sw',
    data: '6983',
    text: ['SW 6983 authentication method blocked'],
    json: { sw: '6983', meaning: 'authentication method blocked' },
  },
  {
    topic: 'atr',
    data: '3B680000504F5353554D3031',
    text: ['TS direct convention', 'Protocols T=0', 'Historical 504F5353554D3031'],
    json: { convention: 'direct', protocols: [0], historical: '504F5353554D3031', emvFindings: [] },
  },
  {
    topic: 'atr',
    data: '3B2014',
    text: ['EMV Level 1: TB1 14 is not 00 after a cold reset'],
    json: { emvFindings: [{ character: 'TB1', message: '14 is not 00 after a cold reset' }] },
  },
  {
    topic: 'track',
    data: ';4761739001010010=30122010000012300000?',
    text: ['Track 2', 'expiry            3012', 'serviceCode       201'],
    json: { track: '2', pan: '476173******0010', expiry: '3012', discretionaryData: '*************' },
  },
  {
    topic: 'track',
    data: 'B4761739001010010^POSSUM/VISA^30122010000012300000',
    text: ['Track 1', 'cardholderName    POSSUM/VISA'],
    json: { track: '1', formatCode: 'B', pan: '476173******0010', cardholderName: 'POSSUM/VISA' },
  },
  {
    topic: 'track',
    data: '4761739001010010D30122010000012300000F',
    text: ['Track 2 equivalent'],
    json: { track: '2 equivalent', expiry: '3012', serviceCode: '201' },
  },
  {
    topic: 'tvr',
    data: '8000048000',
    text: [
      'byte 1 bit 8  Offline data authentication was not performed',
      'byte 4 bit 8  Transaction exceeds floor limit',
    ],
    json: [
      { byte: 1, bit: 8 },
      { byte: 3, bit: 3 },
      { byte: 4, bit: 8, meaning: 'Transaction exceeds floor limit' },
    ],
  },
  { topic: 'tvr', data: '0000000000', text: ['no bit is set'], json: [] },
  {
    topic: 'tsi',
    data: '4000',
    text: ['byte 1 bit 7  Cardholder verification was performed'],
    json: [{ byte: 1, bit: 7, meaning: 'Cardholder verification was performed' }],
  },
  {
    topic: 'aip',
    data: '0100',
    text: ['byte 1 bit 1  CDA supported'],
    json: [{ byte: 1, bit: 1, meaning: 'CDA supported' }],
  },
  {
    topic: 'cid',
    data: '80',
    text: ['ARQC, no information given'],
    json: { type: 'ARQC', advice: false, reason: 'no information given' },
  },
  {
    topic: 'cvm-list',
    data: '000003E8000007D042031F00',
    text: [
      'X = 1000, Y = 2000',
      'Enciphered PIN verified online, if the terminal supports the CVM, else next rule',
    ],
    json: {
      amountX: 1000,
      amountY: 2000,
      rules: [
        { code: '42', condition: '03', continues: true, meaning: expect.stringContaining('online') },
        { code: '1F', condition: '00', continues: false, meaning: 'No CVM required, always, else fail' },
      ],
    },
  },
];

describe('possum decode', () => {
  it.each(CASES)('$topic $data', async ({ topic, data, text, json }) => {
    const told = await possum('decode', topic, data);
    expect([told.code, told.stderr]).toEqual([0, '']);
    for (const part of text) expect(told.stdout).toContain(part);
    const asJson = await possum('decode', topic, data, '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject(json as object);
  });

  it.each([
    '9f02 06 00 00 00 00 10 00',
    '9F:02:06:00:00:00:00:10:00',
    '0x9F0206000000001000',
    '9F02-0600-0000-0010-00',
  ])('takes hex as people paste it: %s', async (data) => {
    const { stdout } = await possum('decode', 'tlv', data);
    expect(stdout).toBe('9F02 Amount, Authorised (Numeric) [6]: 000000001000\n');
  });

  it.each([
    ['tlv', '5A084761739001010010', '4761739001010010'],
    ['tlv', '57134761739001010010D30122010000012300000F', '30122010000012300000'],
    ['track', ';4761739001010010=30122010000012300000?', '4761739001010010'],
    ['apdu', '0020008008241234FFFFFFFFFF', '241234'],
    ['apdu', '5A0847617390010100109000', '4761739001010010'],
  ])('%s %s hides what is secret unless it is asked for', async (topic, data, secret) => {
    for (const json of [[], ['--json']]) {
      expect((await possum('decode', topic, data, ...json)).stdout).not.toContain(secret);
      expect((await possum('decode', topic, data, '--reveal', ...json)).stdout).toContain(secret);
    }
  });

  it.each(WORKED_FRAMES)('iso8583 $name', async ({ profile, mti, present, hex }) => {
    const { code, stdout } = await possum('decode', 'iso8583', '--profile', profile, '--json', hex);
    const { mti: shown, fields } = JSON.parse(stdout) as { mti: string; fields: { field: number }[] };
    expect([code, shown, fields.map(({ field }) => field)]).toEqual([0, mti, [...present]]);
  });

  it('iso8583 is told with names, with and without routing and length', async () => {
    const frame = WORKED_FRAMES.find(({ profile }) => profile === 'nac')?.hex as string;
    const whole = await possum('decode', 'iso8583', frame);
    expect(whole.stdout).toMatch(/^Routing 60[0-9A-F]{8}\nMTI {2}\d{4}\nF\d+ +[A-Z]\w+ /);
    const body = await possum('decode', 'iso8583', frame.slice(4));
    expect(body.stdout).toBe(whole.stdout);
    const message = await possum('decode', 'iso8583', frame.slice(14));
    expect(message.stdout).toBe(whole.stdout.replace(/^Routing .*\n/, ''));
  });

  it.each([
    ['tlv', '', 'there are no bytes'],
    ['tlv', '  ', 'there are no bytes'],
    ['tlv', '9F2', 'odd number of digits'],
    ['tlv', 'hello!', 'not hex'],
    ['tlv', '9F', 'byte 0: the data ends inside a tag'],
    ['tlv', '9F02', 'byte 2: no length after tag 9F02'],
    ['tlv', '9F020600', 'byte 2: 9F02 claims 6 bytes, 1 are left'],
    ['tlv', '5A80', 'byte'],
    ['tlv', '00'.repeat(70_000), '70000 bytes are longer than any message'],
    ['tlv', '7081FF'.repeat(3), 'byte'],
    ['dol', '9F', 'possum: '],
    ['dol', '9F02', 'possum: '],
    ['apdu', '00', 'at least a status word'],
    ['apdu', '00A4040005A0', 'byte 4: Lc says 5 bytes, 1 follow'],
    ['apdu', '00A4040005A000000003FFFF', 'byte 4: Lc says 5 bytes, 7 follow'],
    ['sw', '90', '2 bytes are needed, these are 1'],
    ['atr', '3B', 'at least TS and T0'],
    ['atr', '3B'.repeat(40), 'at most 33'],
    ['track', '4761739001010010', 'no separator'],
    ['track', ';47617X=30122010?', 'track 2'],
    ['tvr', '00', '5 bytes are needed, these are 1'],
    ['tsi', '000000', '2 bytes are needed, these are 3'],
    ['aip', '38', '2 bytes are needed'],
    ['cid', '8000', '1 byte is needed, these are 2'],
    ['cvm-list', '0000', 'two amounts of four bytes'],
    ['iso8583', '02', 'field 0'],
    ['iso8583', '0200', 'field 1, byte 2 of the message'],
    ['iso8583', 'FF'.repeat(60_000), 'MTI'],
  ])('%s exits 2 with a sentence, case %#', async (topic, data, says) => {
    const { code, stdout, stderr } = await possum('decode', topic, data);
    expect(stdout).toBe('');
    expect(stderr).toContain(says);
    expect(stderr).toMatch(/^possum: [^\n]{1,300}\n$/);
    expect(code).toBe(2);
  });

  it.each([
    [['decode', 'foo', '00'], "unknown command 'foo'"],
    [['decode', 'tlv', '00', '00'], 'too many arguments'],
    [['decode', 'tlv', '--wrong'], "unknown option '--wrong'"],
    [['decode', 'iso8583', '--profile', 'nbc', '0800'], 'Did you mean "nac"?'],
    [['decode', 'iso8583', '--profile', './none.yaml', '0800'], 'none.yaml: cannot be read'],
  ])('%j exits 2', async ([command, ...argv], says) => {
    const { code, stderr } = await possum(command as string, ...argv);
    expect(stderr).toContain(says);
    expect(code).toBe(2);
  });
});
