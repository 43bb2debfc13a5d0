import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { combineComponents } from '../../src/crypto/kcv.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { checkValueOf } from '../../src/secure/check-value.ts';
import { blockOf, CANARY } from '../secure/blocks.ts';
import { temporaryFolder } from '../support/folder.ts';
import { possum } from './in-process.ts';

/** TR-31:2018, annex A.7.2.2 and A.7.4. */
const SAMPLE_B = 'B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E';
const TMK = '11111111111111112222222222222222';
const FIRST = '1F2E3D4C5B6A798801234567AB98DCFE';
const SECOND = toHex(combineComponents([FIRST, TMK].map(fromHex)));
const INITIAL = [
  '--initial-key',
  '6AC292FAA1315B4D858AB3A3D7D5933A',
  '--ksn',
  'FFFF9876543210E00000',
] as const;

function write(text: string): string {
  const path = join(temporaryFolder(), 'input.txt');
  writeFileSync(path, text);
  return path;
}

const kcv = (hex: string) => checkValueOf('T', fromHex(hex));
const form = (holder: string, hex: string) => `holder: ${holder}\ncomponent: ${hex}\nkcv: ${kcv(hex)}\n`;

/** What the program reads from its standard input. */
function stdin(text: string): void {
  const stream = new PassThrough();
  stream.end(text);
  const spy = vi.spyOn(process, 'stdin', 'get').mockReturnValue(stream as unknown as typeof process.stdin);
  onTestFinished(() => spy.mockRestore());
}

describe('possum keys', () => {
  it('loads a key block and shows its check value', async () => {
    const data = ['--data', temporaryFolder()];
    expect(await possum('keys', 'load', '--block', write(`${SAMPLE_B}\n`), ...data)).toEqual({
      code: 0,
      stdout: `pin-key: P0 (PIN encryption), TDES-128, KCV ${kcv('3F419E1CB7079442AA37474C2EFBF8B8')}.\n`,
      stderr: '',
    });
    stdin(SAMPLE_B);
    const other = await possum('keys', 'load', '--block', '-', '--slot', 'spare', '--json', ...data);
    expect(JSON.parse(other.stdout)).toMatchObject({ name: 'spare', usage: 'P0', origin: 'block' });
    const list = await possum('keys', 'list', ...data);
    expect(list.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['Slot', 'Usage', 'Purpose', 'Algorithm', 'Mode', 'Export', 'KCV', 'Origin'],
      ['pin-key', 'P0', 'PIN encryption', 'TDES-128', 'E', 'E', expect.any(String), 'block'],
      ['spare', 'P0', 'PIN encryption', 'TDES-128', 'E', 'E', expect.any(String), 'block'],
      [''],
    ]);
  });

  it('generates a block that it loads, and shows the key only on request', async () => {
    const hidden = await possum('keys', 'generate', '--usage', 'P0', '--algorithm', 'tdes-192', '--json');
    const made = JSON.parse(hidden.stdout) as Record<string, string>;
    expect(made).toMatchObject({ algorithm: 'TDES-192', key: '*'.repeat(48) });
    const data = ['--data', temporaryFolder()];
    const loaded = await possum('keys', 'load', '--block', write(made.block as string), ...data);
    expect(loaded.stdout).toContain(`KCV ${made.kcv}.`);
    const shown = await possum(
      'keys',
      'generate',
      '--usage',
      'D0',
      '--algorithm',
      'aes-256',
      '--reveal',
      '--json',
    );
    const open = JSON.parse(shown.stdout) as Record<string, string>;
    expect(checkValueOf('A', fromHex(open.key as string))).toBe(open.kcv);
    const slot = await possum(
      'keys',
      'generate',
      '--usage',
      'M3',
      '--algorithm',
      'tdes',
      '--slot',
      'own',
      ...data,
    );
    expect(slot.stdout).toMatch(/^slot +own$/m);
    const list = JSON.parse((await possum('keys', 'list', '--json', ...data)).stdout);
    expect(list.slots).toMatchObject([
      { name: 'own', origin: 'generated' },
      { name: 'pin-key', origin: 'block' },
    ]);
  });

  it('injects an initial key in the clear or as a block, and lists its KSN', async () => {
    const data = ['--data', temporaryFolder()];
    expect(await possum('keys', 'inject', ...INITIAL, ...data)).toMatchObject({
      code: 0,
      stdout: 'dukpt: initial key TDES-128, KCV AF8C07. Next KSN FFFF9876543210E00001.\n',
    });
    const list = await possum('keys', 'list', ...data);
    expect(list.stdout).toMatch(/^dukpt +B1 +DUKPT initial key +TDES-128 +X +N +AF8C07 +published$/m);
    expect(list.stdout).toContain('Next KSN FFFF9876543210E00001; 21 registers, none altered');
    expect(await possum('keys', 'inject', ...INITIAL, ...data)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('loaded into this terminal before'),
    });
    const made = await possum(
      ...(['keys', 'generate', '--usage', 'B1', '--algorithm', 'aes-128', '--json'] as const),
      ...(['--ksn', '123456789012345600000000'] as const),
    );
    const { block, kcv: check } = JSON.parse(made.stdout) as { block: string; kcv: string };
    expect((await possum('keys', 'inject', '--block', write(block), '--fresh', ...data)).stdout).toBe(
      `dukpt: initial key AES-128, KCV ${check}. Next KSN 123456789012345600000001.\n`,
    );
  });

  it('loads components of holders from files, or of all from standard input', async () => {
    const data = ['--data', temporaryFolder()];
    const kind = ['--usage', 'K0', '--algorithm', 'tdes', '--mode', 'D'];
    const files = [form('Alice', FIRST), form('Bob', SECOND)].flatMap((text) => ['--component', write(text)]);
    expect(await possum('keys', 'load', ...kind, ...files, '--kcv', 'D2B91C', ...data)).toEqual({
      code: 0,
      stdout: 'master-key: K0 (key encryption (terminal master key)), TDES-128, KCV D2B91C.\n',
      stderr: '',
    });
    stdin(`${form('Alice', FIRST)}\n# the other one\n${form('Bob', SECOND)}\nkey-kcv: D2 B9 1C\n`);
    const again = await possum('keys', 'load', ...kind, '--slot', 'second', ...data);
    expect(again.stdout).toContain('second: K0');
  });

  it('loads working keys under the master key, or none of them', async () => {
    const data = ['--data', temporaryFolder()];
    const master = blockOf({ keyUsage: 'K0', modeOfUse: 'D' }, 'CA5D92598DCA48CE8A4C76361A9269E9');
    await possum('keys', 'load', '--block', write(master), ...data);
    const pin = '6701EAD6A9AD51E51AA406E2C27FCFA9 8D0A74B8';
    const field = (macKcv: string) => write(`${pin}\nB651F9E9BACE9AE1 0000000000000000 ${macKcv}\n`);
    expect(await possum('keys', 'load', '--working', field('AB7153CB'), ...data)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Key check failed: mac key, its check value is wrong. The set before stays.\n',
    });
    const loaded = await possum('keys', 'load', '--working', field('AB7153CA'), ...data);
    expect(loaded.stdout.split('\n')).toEqual([
      'pin-key: P0 (PIN encryption), TDES-128, KCV 8D0A74.',
      'mac-key: 10 (MAC of UnionPay terminals), DES-64, KCV AB7153.',
      '',
    ]);
    const list = await possum('keys', 'list', ...data);
    expect(list.stdout).toMatch(/^mac-key .* under-master \(master-key\)$/m);
    expect(await possum('keys', 'load', '--working', write('AABB'), ...data)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no set of working keys has 2 bytes'),
    });
  });

  it('prints check values made from the keys', async () => {
    const data = ['--data', temporaryFolder()];
    await possum('keys', 'load', '--block', write(SAMPLE_B), ...data);
    const aes = blockOf(
      { versionId: 'D', algorithm: 'A', keyUsage: 'D0', modeOfUse: 'B' },
      '3F419E1CB7079442AA37474C2EFBF8B8',
    );
    await possum('keys', 'load', '--block', write(aes), ...data);
    const all = await possum('keys', 'export-kcv', ...data);
    expect(all.stdout).toMatch(/^data-key +D0 +AES-128 +CMAC-ZEROS +08793E25AB$/m);
    const one = await possum('keys', 'export-kcv', '--slot', 'pin-key', '--json', ...data);
    expect(JSON.parse(one.stdout)).toMatchObject([
      { slot: 'pin-key', method: 'ENCRYPT-ZEROS', kcv: kcv('3F419E1CB7079442AA37474C2EFBF8B8') },
      { slot: 'pin-key', method: 'CMAC-ZEROS' },
    ]);
    expect(await possum('keys', 'export-kcv', '--slot', 'none', ...data)).toMatchObject({ code: 1 });
    await possum('keys', 'inject', ...INITIAL, ...data);
    const initial = await possum('keys', 'export-kcv', '--slot', 'dukpt', ...data);
    expect(initial.stdout).toMatch(/^dukpt +B1 +TDES-128 +ENCRYPT-ZEROS +AF8C07$/m);
  });

  it('destroys every key; the terminal is out of service until it starts anew', async () => {
    const folder = temporaryFolder();
    const data = ['--data', folder];
    const sale = ['--card', 'visa-credit', '--amount', '1.00', '--pin', '1234', ...data] as const;
    expect((await possum('sale', ...sale)).code).toBe(0);
    await possum('keys', 'load', '--block', write(SAMPLE_B), ...data);
    expect(await possum('keys', 'tamper', '--reason', 'drill', ...data)).toMatchObject({ code: 0 });
    expect(readdirSync(join(folder, 'secure')).sort()).toEqual(['high-water', 'tampered']);
    const list = await possum('keys', 'list', ...data);
    expect(list).toMatchObject({ code: 0, stdout: expect.stringContaining(': drill. Every key is erased') });
    const json = JSON.parse((await possum('keys', 'list', '--json', ...data)).stdout);
    expect(json).toMatchObject({ status: 'tampered', tampering: { reason: 'drill' }, slots: [] });
    for (const command of [
      ['sale', ...sale],
      ['void', '1', ...data],
    ] as [string, ...string[]][]) {
      const refused = await possum(...command);
      expect([refused.code, refused.stderr]).toEqual([1, 'REFUSED: out of service: tampered with (drill)\n']);
    }
    for (const command of [
      ['settle', ...data],
      ['keys', 'inject', ...INITIAL, ...data],
      ['keys', 'load', '--block', write(SAMPLE_B), ...data],
    ] as [string, ...string[]][]) {
      const refused = await possum(...command);
      expect([command[0], refused.code]).toEqual([command[0], 2]);
      expect(refused.stderr).toContain('tampered with (drill)');
    }
    expect((await possum('txn', 'list', ...data)).stdout).toContain('APPROVED');
    expect((await possum('keys', 'inject', ...INITIAL, '--fresh', ...data)).code).toBe(0);
    expect((await possum('sale', ...sale)).code).toBe(0);
  });
});

describe('possum keys refuses', () => {
  it('a base derivation key, and says where it belongs', async () => {
    const block = write(blockOf({ keyUsage: 'B0', modeOfUse: 'X' }));
    const { code, stderr } = await possum('keys', 'load', '--block', block, '--data', temporaryFolder());
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/never enters a terminal\. It belongs to the host/),
    ]);
  });

  it('a clear key on the command line that nobody published, and takes it from a file when it is marked', async () => {
    const data = ['--ksn', 'FFFF9876543210E00000', '--data', temporaryFolder()];
    const open = await possum('keys', 'inject', '--initial-key', CANARY, ...data);
    expect(open).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not belong on the command line'),
    });
    const file = `@${write(`${CANARY}\n`)}`;
    const unknown = await possum('keys', 'inject', '--initial-key', file, ...data);
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--i-know-these-are-test-keys'),
    });
    const taken = await possum(
      'keys',
      'inject',
      '--initial-key',
      file,
      '--i-know-these-are-test-keys',
      ...data,
    );
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('NOT KNOWN AS A TEST KEY') });
    const list = await possum('keys', 'list', ...data.slice(2));
    expect(list.stdout).toContain('marked-by-flag');
    for (const { stdout, stderr } of [open, unknown, taken, list])
      expect(stdout + stderr).not.toContain(CANARY);
  });

  it.each([
    ['no key at all', ['load'], /--block FILE; or for components --usage and --algorithm/],
    ['both kinds of input', ['load', '--block', 'a', '--component', 'b'], /exclude each other/],
    ['a file that is not there', ['load', '--block', '/nonexistent'], /nonexistent: there is no such file/],
    [
      'a block in place of its file',
      ['load', '--block', SAMPLE_B],
      /^possum: B0080P0TE00E…: there is no such file/,
    ],
    ['an unknown usage', ['generate', '--usage', 'P9', '--algorithm', 'tdes'], /no key usage "P9"/],
    ['an unknown algorithm', ['generate', '--usage', 'P0', '--algorithm', 'tdse'], /Did you mean "tdes"/],
    [
      'a mode that does not fit',
      ['generate', '--usage', 'P0', '--algorithm', 'aes', '--mode', 'G'],
      /does not go with mode "G"/,
    ],
    [
      'an HMAC key for PINs',
      ['generate', '--usage', 'P0', '--algorithm', 'hmac-256'],
      /has no hmac-256 keys/,
    ],
    [
      'a KSN for a PIN key',
      ['generate', '--usage', 'P0', '--algorithm', 'aes', '--ksn', 'FF'],
      /only a DUKPT initial key/,
    ],
    ['a missing option', ['generate', '--usage', 'P0'], /required option '--algorithm <name>'/],
    [
      'an initial key without KSN',
      ['inject', '--initial-key', INITIAL[1]],
      /KSN of the initial key is missing/,
    ],
    [
      'an initial key of 15 bytes',
      ['inject', '--initial-key', '00'.repeat(15), '--ksn', INITIAL[3]],
      /has 15 bytes/,
    ],
    [
      'a KSN that is not hex',
      ['inject', '--initial-key', INITIAL[1], '--ksn', 'XY'],
      /--ksn: the value is not hex/,
    ],
    [
      'two initial keys',
      ['inject', '--initial-key', INITIAL[1], '--block', 'x'],
      /in the clear or as a key block/,
    ],
    ['to look where no terminal was', ['list'], /no terminal has worked in this folder yet/],
    ['to destroy where no terminal was', ['tamper'], /no terminal has worked in this folder yet/],
  ])('%s', async (_what, argv, reason) => {
    const folder = join(temporaryFolder(), 'none');
    const { code, stderr } = await possum('keys', ...argv, '--data', folder);
    expect(stderr).toMatch(reason);
    expect(code).toBe(/no terminal/.test(String(reason)) ? 3 : 2);
    expect(existsSync(folder)).toBe(false);
  });

  it.each([
    ['one holder twice', `${form('Alice', FIRST)}${form('alice', SECOND)}`, /gave a component already/],
    ['one holder alone', form('Alice', TMK), /not of 1/],
    [
      'a wrong check value',
      form('Alice', FIRST).replace(/kcv: .*/, 'kcv: AAAAAA') + form('Bob', SECOND),
      /component 1 of alice: the check value/,
    ],
    ['a form without component', 'holder: Alice\nkcv: AAAAAA\n', /lacks its component/],
    ['a component of nobody', `component: ${FIRST}\n`, /:1: a component that belongs to no holder/],
    ['a component that is not hex', `holder: Alice\ncomponent: ${FIRST}Z\n`, /:2: the component is not hex/],
    ['another text', `${FIRST}\n`, /:1: is no line of a component form/],
  ])('components of %s, keeps nothing and repeats no component', async (_what, text, reason) => {
    const data = ['--data', temporaryFolder()];
    const kind = ['--usage', 'K0', '--algorithm', 'tdes', '--kcv', 'D2B91C'];
    const { code, stdout, stderr } = await possum(
      'keys',
      'load',
      ...kind,
      '--component',
      write(text),
      ...data,
    );
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(reason)]);
    expect(stderr).not.toMatch(/1F2E3D4C/i);
    const list = await possum('keys', 'list', ...data);
    expect(list.stdout + list.stderr).toMatch(/No keys|no terminal/);
  });

  it('work on a folder whose terminal runs, but lists its keys', async () => {
    const folder = temporaryFolder();
    await possum('keys', 'inject', ...INITIAL, '--data', folder);
    const { openTerminalFiles } = await import('../../src/journal/database.ts');
    const files = await openTerminalFiles(folder);
    try {
      const load = await possum('keys', 'load', '--block', write(SAMPLE_B), '--data', folder);
      expect(load).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('another process runs this terminal'),
      });
      const fresh = await possum('keys', 'inject', ...INITIAL, '--fresh', '--data', folder);
      expect(fresh).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('another process runs this terminal'),
      });
      expect((await possum('keys', 'list', '--data', folder)).stdout).toContain('AF8C07');
    } finally {
      files.close();
    }
  });
});

describe('a terminal file', () => {
  const demo = readFileSync(fixturePath('terminals', 'demo.yaml'), 'utf8').replace(
    /\.\.\/capk/g,
    fixturePath('capk'),
  );
  const terminal = (keys: string) => {
    const path = join(temporaryFolder(), 'terminal.yaml');
    writeFileSync(path, demo.replace(/keys:\n(?: {2}.*\n)+/, `keys:\n${keys}`));
    return path;
  };
  const sale = (file: string, folder: string) =>
    possum(
      ...(['sale', '--card', 'visa-credit', '--amount', '1.00', '--pin', '1234'] as const),
      ...(['--terminal', file, '--data', folder] as const),
    );

  it('may give the initial key as a key block', async () => {
    const folder = temporaryFolder();
    const block = blockOf({ keyUsage: 'B1', modeOfUse: 'X' }, INITIAL[1], [['KS', INITIAL[3]]]);
    expect(await sale(terminal(`  block: ${block}\n`), folder)).toMatchObject({ code: 0 });
    const list = await possum('keys', 'list', '--data', folder);
    expect(list.stdout).toMatch(/^dukpt .* AF8C07 +block$/m);
  });

  it('may give a key that nobody published, when somebody gives his word for this run', async () => {
    const file = terminal(`  initialKey: ${CANARY}\n  ksn: ${INITIAL[3]}\n`);
    const scenario = join(temporaryFolder(), 'tap.yaml');
    writeFileSync(
      scenario,
      `name: tap\nterminal: ${file}\nsteps: [{ sale: { amount: 8.50, card: visa-contactless, by: tap } }]\n`,
    );
    const folder = temporaryFolder();
    expect(await possum('run', scenario)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--i-know-these-are-test-keys'),
    });
    const run = await possum('run', scenario, '--data', folder, '--i-know-these-are-test-keys');
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect((await possum('keys', 'list', '--data', folder)).stdout).toContain('marked-by-flag');
    const tap = [
      '--card',
      'visa-contactless',
      '--by',
      'tap',
      '--amount',
      '8.50',
      '--terminal',
      file,
    ] as const;
    const shop = ['--data', temporaryFolder()] as const;
    expect((await possum('sale', ...tap, ...shop)).code).toBe(2);
    expect((await possum('sale', ...tap, ...shop, '--i-know-these-are-test-keys')).code).toBe(0);
  });

  it.each([
    ['a block that was changed', '  block: B0080P0TE00E0000\n', /says 80/],
    [
      'a clear key that nobody published',
      `  initialKey: ${CANARY}\n  ksn: ${INITIAL[3]}\n`,
      /not known as a test key/,
    ],
    [
      'an AES key, for which no profile has room',
      '  initialKey: 1273671EA26AC29AFA4D1084127652A1\n  ksn: "123456789012345600000000"\n',
      /AES DUKPT/,
    ],
    [
      'a KSN that does not fit its key',
      `  initialKey: ${INITIAL[1]}${INITIAL[1].slice(0, 16)}\n  ksn: ${INITIAL[3]}\n`,
      /does not go with a KSN/,
    ],
  ])('with %s is refused with exit code 2', async (_what, keys, reason) => {
    const { code, stderr } = await sale(terminal(keys), temporaryFolder());
    expect([code, stderr]).toEqual([2, expect.stringMatching(reason)]);
    expect(stderr).not.toContain(CANARY);
  });
});
