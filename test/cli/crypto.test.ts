import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { CALCULATORS } from '../../src/cli/crypto/calculators.ts';
import { FIELD_HELP } from '../../src/cli/crypto/field-help.ts';
import { TOPICS } from '../../src/cli/crypto/topics.ts';
import { type Vector, vectors } from '../crypto/vectors.ts';
import { temporaryFolder } from '../support/folder.ts';
import { possum, type Said } from './in-process.ts';

type Json = Record<string, unknown>;

/** Runs `possum crypto --ndjson` on the chunks of its standard input. */
async function serve(...chunks: readonly (string | Buffer)[]): Promise<Said & { answers: Json[] }> {
  const input = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  const spy = vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin);
  try {
    const said = await possum('crypto', '--ndjson');
    return {
      ...said,
      answers: said.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Json),
    };
  } finally {
    spy.mockRestore();
  }
}

const lines = (...requests: readonly unknown[]) => requests.map((one) => `${JSON.stringify(one)}\n`).join('');

async function ask(request: Json): Promise<Json> {
  return (await serve(lines({ id: 1, ...request }))).answers[0] as Json;
}

const META = ['name', 'op', 'origin', 'ref', 'verified', 'reason', 'step'];
/** What each operation takes; everything else that a vector holds has to come back. */
const INPUTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'dukpt-tdes': {
    'initial-key': 'bdk ksn',
    'transaction-keys': 'bdk ksn pin pan pinBlockFormat dataAscii',
    'data-encrypt': 'bdk ksn keyUsed iv plaintext',
    'ksn-advance': 'ksn',
  },
  'dukpt-aes': {
    'initial-key': 'bdk initialKeyId',
    'transaction-key': 'bdk ksn',
    'working-key': 'bdk ksn keyUsage workingKeyType',
    'update-key': 'bdk ksn workingKeyType',
    'pin-encrypt': 'bdk ksn workingKeyType pin pan pinBlockFormat randomFill',
    'mac-and-data': 'bdk ksn workingKeyType hmacKeyType dataAscii',
    'ksn-advance': 'ksn',
  },
  pinblock: {
    'encode-decode': 'format pin pan fill',
    decode: 'format clearPinBlock pan',
    'format4-pan-field': 'format pan',
    'format4-encipher': 'format key pin pan fill',
    'format4-decipher': 'format key encipheredPinBlock pan',
    translate: 'pan sourceFormat sourceKey sourceEncryptedPinBlock targetFormat targetKey targetFill',
  },
  tr31: { unwrap: 'kbpk keyBlock', wrap: 'kbpk headerWithOptionalBlocks key padding' },
  'emv-cryptogram': {
    'application-cryptogram':
      'imkAc pan psn masterKeyOption sessionKeyMethod atc unpredictableNumber diversificationValue cryptogramInput scheme tags paddingMethod arpcMethod arpcKey arc csu proprietaryAuthenticationData',
    'session-key': 'iccMasterKey sessionKeyMethod treeHeight treeBranchFactor iv atc',
    'script-mac': 'imkSmi pan psn masterKeyOption sessionKeyMethod diversificationValue macInput',
    'pin-change-script':
      'imkAc imkSmi imkSmc pan psn masterKeyOption sessionKeyMethod diversificationValue newPin pinBlockFormat dataPadding commandHeader',
    'cryptogram-input': 'scheme tags',
  },
  'emv-oda': {
    chain:
      'rid capkIndex caModulus caExponent issuerCertificate issuerRemainder issuerExponent pan staticDataNotAvailable staticDataToBeAuthenticated signedStaticApplicationData iccCertificate iccRemainder iccExponent signedDynamicApplicationData dynamicDataToBeHashed transactionDataHashInput aip caPrivateExponent issuerPrivateExponent iccPrivateExponent iccPrimeP iccPrimeQ padByte transactionDataHashComposition dynamicDataComposition',
    'capk-checksum': 'rid capkIndex caModulus caExponent',
    'pin-encipherment': 'iccModulus iccExponent iccPrivateExponent pin iccUnpredictableNumber randomPadding',
  },
  mac: { mac: 'algorithm paddingMethod key dataHex dataAscii macLength' },
  'cvv-pvv': {
    cvv: 'cvk pan expiry serviceCode',
    cavv: 'cvk pan unpredictableNumber authenticationResultsCode secondFactorResultsCode',
    pvv: 'pvk pvki pin pan',
    'ibm3624-pin': 'pvk decimalizationTable offset pan validationDataOffset validationDataLength padDigit',
    'ibm3624-offset': 'pvk decimalizationTable pin pan validationDataOffset validationDataLength padDigit',
    dcvv: 'imk pan psn masterKeyOption expiry serviceCode atcDigits',
    cvc3: 'imk pan psn masterKeyOption atc unpredictableNumber staticTrackData',
  },
  kcv: {
    kcv: 'algorithm method key',
    'combine-components': 'algorithm components',
    'adjust-parity': 'algorithm key',
  },
  tracks: {
    luhn: 'pan',
    track1: 'track1',
    track2: 'track2',
    'track2-equivalent': 'tag57',
  },
};

const isReject = ({ op }: Vector) => /(?:^|-)reject$/.test(op);

function split(topic: string, vector: Vector): { request: Json; expected: Json } {
  const inputs = INPUTS[topic]?.[vector.op]?.split(' ') ?? [];
  // Given an initial vector and no track, the vector is about the second step alone.
  const extra = vector.op === 'cvc3' && vector.staticTrackData === undefined ? ['ivcvc3'] : [];
  const request: Json = { id: vector.name, topic, op: vector.op };
  const expected: Json = { id: vector.name };
  for (const [name, value] of Object.entries(vector)) {
    if (META.includes(name)) continue;
    (isReject(vector) || [...inputs, ...extra].includes(name) ? request : expected)[name] = value;
  }
  return { request, expected };
}

describe('possum crypto --ndjson', () => {
  it.each(Object.keys(TOPICS))('answers every vector of %s with all that it holds', async (topic) => {
    const cases = vectors(topic)
      .filter((vector) => !isReject(vector))
      .map((vector) => split(topic, vector));
    const { code, stderr, answers } = await serve(lines(...cases.map(({ request }) => request)));
    expect([code, stderr, answers.length]).toEqual([0, '', cases.length]);
    cases.forEach(({ expected }, i) => {
      const answer = answers[i] as Json;
      // How many bytes of a check value are shown is a habit; the whole block is compared too.
      if (topic === 'kcv' && expected.fullValue !== undefined) {
        expect(String(expected.kcv).slice(0, 6)).toBe(answer.kcv);
        delete expected.kcv;
      }
      expect(Object.keys(expected).length).toBeGreaterThan(1);
      expect(answer).toMatchObject(expected);
    });
  });

  it('answers vectors whole, their results included, as it answers their inputs', async () => {
    for (const topic of Object.keys(TOPICS)) {
      const cases = vectors(topic).filter((vector) => !isReject(vector));
      const whole = await serve(lines(...cases.map((vector) => ({ id: 0, topic, ...vector }))));
      expect(whole.answers.filter(({ error }) => error !== undefined)).toEqual([]);
    }
  });

  it.each(Object.keys(TOPICS).filter((topic) => vectors(topic).some(isReject)))(
    'refuses every reject vector of %s with a typed error',
    async (topic) => {
      const cases = vectors(topic)
        .filter(isReject)
        .map((vector) => split(topic, vector).request);
      const { answers } = await serve(lines(...cases));
      expect(answers.map(({ id }) => id)).toEqual(cases.map(({ id }) => id));
      for (const answer of answers) {
        expect(answer).toMatchObject({
          error: { code: expect.stringMatching(/^(?:FORMAT|KEY)$/), message: expect.stringMatching(/./) },
        });
        expect(Object.keys(answer)).toEqual(['id', 'error']);
      }
    },
  );

  it('serves the next line after one that it cannot read', async () => {
    const good = { id: 'x', topic: 'tracks', op: 'luhn', pan: '4111111111111111' };
    const bad = ['{', '', 'null', '[]', '"text"', '7', '\u00ff{}', '{"id":{"a":1}}', '['.repeat(100_000)];
    const { code, answers } = await serve(
      bad.map((line) => `${line}\n${JSON.stringify(good)}\r\n`).join(''),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      JSON.stringify(good),
    );
    expect(code).toBe(0);
    expect(answers).toHaveLength(2 * bad.length + 2);
    answers.forEach((answer, i) => {
      if (i % 2 === 1) expect(answer).toEqual({ id: 'x', valid: true });
      else expect(answer).toMatchObject({ id: null, error: { code: 'FORMAT' } });
    });
  });

  it('puts lines together from chunks and lets none grow without bounds', async () => {
    const line = lines({ id: 'ü', topic: 'tracks', op: 'luhn', pan: '4111111111111112' });
    const bytes = [...Buffer.from(line)].map((byte) => Buffer.of(byte));
    const huge = Array.from({ length: 40 }, () => '7'.repeat(64 * 1024));
    const { answers } = await serve(...bytes, ...huge, '\n', ...bytes, ...huge);
    const tooLong = { id: null, error: { code: 'FORMAT', message: expect.stringContaining('longer than') } };
    expect(answers).toEqual([{ id: 'ü', valid: false }, tooLong, { id: 'ü', valid: false }, tooLong]);
  });

  it('answers nothing to nothing, with exit code 0', async () => {
    expect(await serve()).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('waits while the reader of the answers is behind', async () => {
    const waited: number[] = [];
    const request = lines({ id: 1, topic: 'tracks', op: 'luhn', pan: '4111111111111111' });
    const input = Readable.from([Buffer.from(request), Buffer.from(request)]);
    const stdin = vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin);
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation(() => {
      waited.push(process.stdout.listenerCount('drain'));
      setImmediate(() => process.stdout.emit('drain'));
      return false;
    });
    const { serveRequests } = await import('../../src/cli/crypto/ndjson.ts');
    await serveRequests().finally(() => {
      stdin.mockRestore();
      stdout.mockRestore();
    });
    expect(waited).toHaveLength(2);
  });

  it.each([
    [{}, 'topic'],
    [{ topic: 1 }, 'topic'],
    [{ topic: 'toString', op: 'x' }, 'topic'],
    [{ topic: '__proto__', op: 'x' }, 'topic'],
    [{ topic: 'mac' }, 'op'],
    [{ topic: 'mac', op: 'toString' }, 'op'],
    [{ topic: 'mac', op: ['mac'] }, 'op'],
    [{ topic: 'mac', op: 'mac', key: 7 }, 'key'],
    [{ topic: 'mac', op: 'mac', key: '0' }, 'key'],
    [{ topic: 'mac', op: 'mac', key: '01 2' }, 'key'],
    [{ topic: 'mac', op: 'mac', key: '0123456789ABCDEF', algorithm: 'constructor' }, 'algorithm'],
    [{ topic: 'mac', op: 'mac', key: '0123456789ABCDEF', algorithm: 'CMAC-TDES' }, 'dataHex'],
    [{ topic: 'tracks', op: 'luhn', pan: 4111111111111111 }, 'pan'],
    [{ topic: 'tracks', op: 'luhn', pan: '' }, 'pan'],
    [{ topic: 'kcv', op: 'combine-components', components: 'AA' }, 'components'],
    [{ topic: 'kcv', op: 'combine-components', components: ['00', null] }, 'components[1]'],
    [{ topic: 'emv-cryptogram', op: 'cryptogram-input', scheme: 'CCD', tags: { '95': [] } }, 'tags.95'],
    [{ topic: 'pinblock', op: 'encode-decode', format: 1.5, pin: '1234' }, 'format'],
    [{ topic: 'pinblock', op: 'encode-decode', format: 1, pin: '1234', fill: '123' }, 'fill'],
  ])('names the field that is wrong: %j', async (request, where) => {
    expect(await ask(request)).toMatchObject({
      id: 1,
      error: { where, message: expect.stringMatching(/./) },
    });
  });

  it('takes any value in any field without an internal error', async () => {
    const values = [null, true, 0, -1, 1e300, '', 'x', '00', 'F'.repeat(4000), '9'.repeat(200), [], [[]], {}];
    const requests: Json[] = [];
    for (const topic of Object.keys(TOPICS)) {
      for (const op of Object.keys(TOPICS[topic] as object)) {
        const sample = vectors(topic, op)[0];
        if (sample === undefined) continue;
        for (const field of Object.keys(sample).filter((name) => !META.includes(name))) {
          for (const value of values)
            requests.push({ topic, ...sample, [field]: value, id: requests.length });
        }
      }
    }
    const { answers } = await serve(lines(...requests));
    expect(answers.map(({ id }) => id)).toEqual(requests.map(({ id }) => id));
    const internal = answers.filter(({ error }) => (error as Json | undefined)?.code === 'INTERNAL');
    expect(internal.map(({ id, error }) => [requests[Number(id)], error])).toEqual([]);
  });
});

const FLAG = '--i-know-these-are-test-keys';
const BDK = '0123456789ABCDEFFEDCBA9876543210';
const KSN = 'FFFF9876543210E00001';

/** Arguments of a line as a shell splits them. */
const words = (line: string) =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

describe('possum crypto CALCULATOR', () => {
  it.each(CALCULATORS.map((calculator) => [calculator.name, calculator] as const))(
    '%s: the example of its help works, every option is described',
    async (name, calculator) => {
      const help = await possum('crypto', name, '--help');
      expect(help.code).toBe(0);
      expect(help.stdout).toContain(`Example:\n  possum crypto ${name} ${calculator.example}\n`);
      for (const option of ['--json', '--explain', '--reveal']) expect(help.stdout).toContain(option);
      for (const field of calculator.fields) expect(FIELD_HELP).toHaveProperty(field);
      for (const op of calculator.operations) expect(TOPICS[calculator.topic]).toHaveProperty(op);
      const told = await possum('crypto', name, ...words(calculator.example));
      expect([told.code, told.stderr]).toEqual([0, '']);
      expect(told.stdout).toMatch(/^\S+ +\S/);
      const json = await possum('crypto', name, ...words(calculator.example), '--json');
      expect(Object.keys(JSON.parse(json.stdout) as Json).length).toBeGreaterThan(0);
    },
  );

  it.each([
    ['mac', 'mac', ['key', 'algorithm']],
    ['kcv', 'kcv', ['key', 'algorithm', 'method']],
    ['cvv-pvv', 'cvv', ['cvk', 'pan', 'expiry', 'serviceCode']],
  ] as const)('%s %s gives as options what a request gives as JSON', async (topic, op, fields) => {
    const [vector] = vectors(topic, op) as [Vector];
    const more = topic === 'mac' ? ['--data-hex', vector.dataHex as string] : [];
    const options = fields.flatMap((field) => [
      `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      String(vector[field]),
    ]);
    const { stdout } = await possum(
      'crypto',
      topic === 'cvv-pvv' ? op : topic,
      ...options,
      ...more,
      '--json',
    );
    expect(JSON.parse(stdout)).toMatchObject({ [op]: vector[op] });
  });

  it('hides keys and PINs behind stars and check values unless --reveal asks for them', async () => {
    const argv = [
      'dukpt',
      '--bdk',
      BDK,
      '--ksn',
      KSN,
      '--pin',
      '1234',
      '--pan',
      '4012345678909',
      '--explain',
    ];
    const [vector] = vectors('dukpt-tdes', 'transaction-keys') as [Vector];
    for (const json of [[], ['--json']]) {
      const hidden = await possum('crypto', ...argv, ...json);
      const shown = await possum('crypto', ...argv, ...json, '--reveal');
      for (const name of ['initialKey', 'transactionKey', 'pinKey', 'dataRequestKey', 'clearPinBlock']) {
        expect(hidden.stdout).not.toContain(vector[name]);
        expect(shown.stdout).toContain(vector[name]);
      }
      expect(hidden.stdout).toMatch(/initialKey\W+\*{32} \(KCV AF8C07\)/);
      expect(hidden.stdout).toContain(vector.encryptedPinBlock);
    }
  });

  it.each([
    ['AES-128', /workingKey\W+\*{32} \(KCV [0-9A-F]{10}\)/],
    ['2TDEA', /workingKey\W+\*{32} \(KCV [0-9A-F]{6}\)/],
    ['HMAC-128', /workingKey\W+\*{32}\s/],
  ])('tells a working key %s by the check value of its algorithm', async (type, says) => {
    const bdk = 'FEDCBA9876543210F1F1F1F1F1F1F1F1';
    const argv = ['--bdk', bdk, '--ksn', '123456789012345600000001', '--key-usage', 'MAC_GENERATION'];
    expect((await possum('crypto', 'aes-dukpt', ...argv, '--working-key-type', type)).stdout).toMatch(says);
  });

  it('shows the steps on the way only when --explain asks for them', async () => {
    const argv = ['dukpt', '--bdk', BDK, '--ksn', KSN];
    expect((await possum('crypto', ...argv)).stdout).not.toContain('transactionKey');
    expect((await possum('crypto', ...argv, '--explain')).stdout).toContain('transactionKey');
    const alone = ['dukpt', 'initial-key', '--bdk', BDK, '--ksn', KSN, '--reveal'];
    expect((await possum('crypto', ...alone)).stdout).toBe('initialKey  6AC292FAA1315B4D858AB3A3D7D5933A\n');
  });

  it('takes no key from the command line that nobody published, but from a file', async () => {
    const key = 'C7A1D3E5F70911131517191B1D1F2123';
    const refused = await possum('crypto', 'kcv', '--key', key);
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(/--key: .*no published test value.*@FILE/s);
    expect(refused.stderr).not.toContain(key);
    const file = join(temporaryFolder(), 'key');
    writeFileSync(file, key);
    const { stdout } = await possum('crypto', 'kcv', '--key', `@${file}`);
    expect(stdout).toMatch(/^kcv +[0-9A-F]{6}\n$/);
    expect((await possum('crypto', 'kcv', FLAG, '--key', key)).stdout).toBe(stdout);
  });

  it('takes a master key of even parity only when it is asked to', async () => {
    const argv = ['cvv', '--pan', '4123456789012345', '--expiry', '8701', '--service-code', '111'];
    const key = '12345678123456781234567812345678';
    const refused = await possum('crypto', ...argv, '--cvk', key);
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(/--cvk: the key has bytes of even parity.*--any-parity.*adjust-parity/s);
    expect((await possum('crypto', ...argv, '--cvk', key, '--any-parity')).stdout).toMatch(/^cvv +\d{3}\n$/);
    // Keys that are derived have no parity.
    expect((await possum('crypto', 'kcv', '--key', key)).code).toBe(0);
  });

  it('reads a value from a file', async () => {
    const file = join(temporaryFolder(), 'key');
    writeFileSync(file, `${BDK}\n`);
    expect((await possum('crypto', 'kcv', '--key', `@${file}`)).stdout).toMatch(/^kcv +08D7B4\n$/);
    const none = await possum('crypto', 'kcv', '--key', `@${file}.none`);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('cannot be read')]);
  });

  it('gives back the fill of a PIN block of every format that has one', async () => {
    for (const vector of vectors('pinblock', 'encode-decode')) {
      const { format, pan, pin, fill, clearPinBlock } = vector;
      const request = { topic: 'pinblock', op: 'encode-decode', format, pan, clearPinBlock };
      expect(await ask(request)).toEqual({
        id: 1,
        pin,
        clearPinBlock,
        ...(fill === undefined ? {} : { fill }),
      });
      const random = await ask({ topic: 'pinblock', op: 'encode-decode', format, pan, pin });
      const again = { topic: 'pinblock', op: 'decode', format, pan, clearPinBlock: random.clearPinBlock };
      expect(await ask(again)).toEqual(random);
    }
  });

  it('answers a cryptogram that is given', async () => {
    for (const vector of vectors('emv-cryptogram', 'application-cryptogram')) {
      const {
        cryptogramInput: _,
        tags: __,
        arpc,
        ...request
      } = { ...vector, topic: 'emv-cryptogram' } as Json;
      expect(await ask(request)).toMatchObject({ arqc: vector.arqc, arpc });
    }
  });

  it('computes cryptograms from the master key of a card', async () => {
    for (const vector of vectors('emv-cryptogram', 'application-cryptogram')) {
      const { imkAc: _, sessionKey, arqc, arpc, ...request } = vector;
      const answer = await ask({ ...request, topic: 'emv-cryptogram', op: 'application-cryptogram-from-mk' });
      expect(answer).toMatchObject({ sessionKey, arqc, arpc });
    }
  });

  it('lists topics and operations in its help', async () => {
    const { stdout } = await possum('crypto', '--help');
    for (const [topic, operations] of Object.entries(TOPICS)) {
      expect(stdout).toMatch(new RegExp(`^ {2}${topic} +${Object.keys(operations).join(', ')}$`, 'm'));
    }
  });

  it('hides the card number in a recovered certificate', async () => {
    const vector = vectors('emv-oda', 'chain').find(({ icc }) => icc !== undefined) as Vector;
    const argv = Object.entries(vector)
      .filter(([name]) => FIELD_HELP[name] !== undefined)
      .flatMap(([name, value]) => [
        `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        String(value),
      ]);
    const hidden = await possum('crypto', 'cert', ...argv, '--explain');
    expect([hidden.code, hidden.stderr]).toEqual([0, '']);
    expect(hidden.stdout).toMatch(/icc\.modulus +[0-9A-F]{100}/);
    expect(hidden.stdout).not.toContain(vector.pan);
    expect((await possum('crypto', 'cert', ...argv, '--reveal')).stdout).toContain(vector.pan);
  });

  it('combines components, and takes data objects as JSON', async () => {
    const [parts] = vectors('kcv', 'combine-components') as [Vector];
    const argv = ['combine-components', FLAG, '--components', (parts.components as string[]).join(',')];
    expect((await possum('crypto', 'kcv', ...argv)).stdout).toMatch(/^kcv +40D522$/m);
    const [input] = vectors('emv-cryptogram', 'cryptogram-input') as [Vector];
    const tags = ['--scheme', input.scheme as string, '--tags', JSON.stringify(input.tags)];
    const { stdout } = await possum('crypto', 'arqc', 'cryptogram-input', ...tags);
    expect(stdout).toContain(input.paddedInput);
  });

  it.each([
    [[], 'Usage: possum crypto'],
    [['frob'], 'too many arguments'],
    [['kcv'], 'key: is missing'],
    [['kcv', 'frob'], '"frob" is none of kcv'],
    [['kcv', '--key', 'xyz'], 'key: is not a whole number of bytes in hex'],
    [['kcv', '--key', '00'], 'bytes'],
    [['kcv', '--frob'], "unknown option '--frob'"],
    [['dukpt', '--bdk', '00', '--ksn', KSN], 'bdk: has 1 bytes instead of 16'],
    [['arqc', 'cryptogram-input', '--scheme', 'CCD', '--tags', '{'], 'tags: is not JSON'],
  ])('%j exits 2 with the reason', async (argv, says) => {
    const { code, stdout, stderr } = await possum('crypto', ...argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
  });
});
