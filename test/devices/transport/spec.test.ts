import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type DriverSchemas, parseDeviceSpec } from '../../../devices/transport/spec.ts';

const drivers: DriverSchemas = {
  pn532: z.strictObject({ retries: z.coerce.number().int().min(0).max(255).optional() }),
  gempc: z.strictObject({}),
  escpos: z.strictObject({ codePage: z.enum(['cp437', 'cp858', 'gbk']).default('cp437') }),
};

const device = (driver: string, target: object, options: object = {}, own: object = {}) => ({
  kind: 'device',
  driver,
  target,
  options,
  own,
});

describe('a device specification', () => {
  it.each([
    ['counter-reader', { kind: 'name', name: 'counter-reader' }],
    ['pn532:/dev/ttyUSB0', device('pn532', { kind: 'serial', path: '/dev/ttyUSB0' })],
    ['pn532:./reader', device('pn532', { kind: 'serial', path: './reader' })],
    ['gempc:COM3', device('gempc', { kind: 'serial', path: 'COM3' })],
    ['gempc:com12', device('gempc', { kind: 'serial', path: 'COM12' })],
    ['gempc:\\\\.\\COM12', device('gempc', { kind: 'serial', path: '\\\\.\\COM12' })],
    ['pn532:tcp://127.0.0.1:4000', device('pn532', { kind: 'tcp', address: 'tcp://127.0.0.1:4000' })],
    ['pn532:tcp://[::1]:4000', device('pn532', { kind: 'tcp', address: 'tcp://[::1]:4000' })],
    [
      'escpos:file:/dev/usb/lp0',
      device('escpos', { kind: 'file', path: '/dev/usb/lp0' }, {}, { codePage: 'cp437' }),
    ],
    ['pn532:sim', device('pn532', { kind: 'sim' })],
    ['pn532:sim?', device('pn532', { kind: 'sim' })],
    ['gempc:/dev/what?is?', device('gempc', { kind: 'serial', path: '/dev/what?is' })],
    [
      'pn532:/dev/ttyUSB0?baud=115200&format=8N2&flow=none&timeoutMs=500&pace=true&control=%2Ftmp%2Fa%26b&retries=3',
      device(
        'pn532',
        { kind: 'serial', path: '/dev/ttyUSB0' },
        {
          baud: 115_200,
          format: { dataBits: 8, parity: 'none', stopBits: 2 },
          flow: 'none',
          timeoutMs: 500,
          pace: true,
          control: '/tmp/a&b',
        },
        { retries: 3 },
      ),
    ],
    [
      'escpos:sim?codePage=gbk&flow=xon',
      device('escpos', { kind: 'sim' }, { flow: 'xon' }, { codePage: 'gbk' }),
    ],
  ])('%s', (text, expected) => {
    expect(parseDeviceSpec(text, drivers)).toEqual(expected);
  });

  it.each([
    ['pn523:/dev/ttyUSB0', /pn523/, /"pn532"/],
    ['constructor:/dev/ttyUSB0', /constructor/, /drivers/],
    ['pn532:/dev/ttyUSB0?buad=9600', /buad/, /"baud"/],
    ['pn532:/dev/ttyUSB0?retrys=3', /retrys/, /"retries"/],
    ['gempc:/dev/ttyUSB0?retries=3', /retries/, /Known keys|Did you mean/],
    ['pn532:/dev/ttyUSB0?baud=fast', /baud/, undefined],
    ['pn532:/dev/ttyUSB0?baud=49', /baud/, undefined],
    ['pn532:/dev/ttyUSB0?format=9N1', /format/, undefined],
    ['pn532:/dev/ttyUSB0?flow=maybe', /flow/, undefined],
    ['pn532:/dev/ttyUSB0?timeoutMs=0', /timeoutMs/, undefined],
    ['pn532:/dev/ttyUSB0?pace=toString', /pace/, undefined],
    ['pn532:/dev/ttyUSB0?control=', /control/, undefined],
    ['pn532:/dev/ttyUSB0?retries=999', /retries/, undefined],
    ['pn532:/dev/ttyUSB0?baud=1200&baud=9600', /twice/, undefined],
    ['pn532:/dev/ttyUSB0?control=%zz', /percent/, /%25/],
    ['pn532:/dev/ttyUSB0?baud', /key=value/, /question mark/],
    ['pn532:ttyUSB0', /target/, /\/dev\/ttyUSB0/],
    ['pn532:', /target/, undefined],
    ['pn532:file:', /target/, undefined],
    ['pn532:http://127.0.0.1', /target/, undefined],
    ['pn532:tcp://nowhere', /address/, undefined],
    ['two words', /name/, undefined],
    ['', /name/, undefined],
  ])('refuses %j', (text, message, remedy) => {
    const refusal = expect.objectContaining({
      code: 'USAGE',
      exitCode: 2,
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(remedy ?? /./),
    });
    expect(() => parseDeviceSpec(text, drivers)).toThrow(refusal as unknown as Error);
  });
});
