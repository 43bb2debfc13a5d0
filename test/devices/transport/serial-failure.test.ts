import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { COMMON_SETTINGS } from '../../../devices/transport/line-settings.ts';
import { openSerial } from '../../../devices/transport/serial.ts';
import {
  explainOpenFailure,
  type PortFacts,
  systemFacts,
} from '../../../devices/transport/serial-failure.ts';
import { wireClock } from '../../../devices/transport/wire-clock.ts';
import { NEVER } from '../../../src/platform/clock.ts';
import { onLinux } from '../../support/linux.ts';

const facts: PortFacts = {
  exists: () => true,
  group: () => 'dialout',
  holders: () => ['812 (pcscd)'],
};

describe('a port that does not open', () => {
  it.each([
    ['No such file or directory, cannot open /dev/ttyUSB7', 'missing', /cable.*path.*by-id/],
    ['No such device or address, cannot open /dev/ttyUSB7', 'missing', /devices list/],
    ['Opening COM9: File not found', 'missing', /devices list/],
    ['Permission denied, cannot open /dev/ttyUSB7', 'forbidden', /usermod -aG dialout/],
    ['Resource temporarily unavailable Cannot lock port', 'busy', /End that program/],
    ['Opening COM3: Access denied', 'busy', /End that program/],
    ['Device or resource busy, cannot open (EBUSY)', 'busy', /End that program/],
    ['Inappropriate ioctl for device setting custom baud rate of 9600', 'not a port', /file:PATH/],
    ['Invalid stop bits setting 3', 'settings', /baud or format/],
    ['Input/output error', 'other', /plug it in again/],
  ])('%s: %s', (text, why, remedy) => {
    const failure = explainOpenFailure('/dev/ttyUSB7', text, facts);
    expect(failure).toMatchObject({ kind: 'failed', why, where: '/dev/ttyUSB7' });
    expect(failure.remedy).toMatch(remedy);
  });

  it('names the program that has it', () => {
    expect(explainOpenFailure('/dev/ttyUSB7', 'Cannot lock port', facts).message).toContain('812 (pcscd)');
    const unseen = explainOpenFailure('/dev/ttyUSB7', 'Cannot lock port', { ...facts, holders: () => [] });
    expect(unseen.remedy).toContain('fuser -v /dev/ttyUSB7');
  });

  it('advises no group that nobody should join', () => {
    const failure = explainOpenFailure('/dev/ttyUSB7', 'EACCES', { ...facts, group: () => 'root' });
    expect(failure.remedy).not.toContain('usermod');
  });
});

describe.runIf(onLinux)('opening for real', () => {
  const folder = mkdtempSync(join(tmpdir(), 'possum-port-'));
  const clock = wireClock();
  const open = (path: string) => openSerial(path, COMMON_SETTINGS, clock, NEVER, clock.now() + 5000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('a path that is not there', async () => {
    expect(await open(join(folder, 'nothing'))).toMatchObject({ kind: 'failed', why: 'missing' });
  });

  it('a file that is no port', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'text');
    expect(await open(path)).toMatchObject({ kind: 'failed', why: 'not a port' });
  });

  it('a folder', async () => {
    expect(await open(folder)).toMatchObject({ kind: 'failed', why: 'not a port' });
  });

  it('knows the group of a file and the holders of a device', () => {
    expect(systemFacts.group('/dev/null')).toBeTypeOf('string');
    expect(systemFacts.holders('/dev/null').length).toBeGreaterThanOrEqual(0);
    expect(systemFacts.holders(join(folder, 'nothing'))).toEqual([]);
  });
});
