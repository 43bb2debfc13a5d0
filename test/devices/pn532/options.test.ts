import { describe, expect, it } from 'vitest';
import { pn532Options } from '../../../devices/pn532/options.ts';
import { PN532_DEFAULTS } from '../../../devices/pn532/settings.ts';
import { parseDeviceSpec } from '../../../devices/transport/spec.ts';

const read = (keys: string) => parseDeviceSpec(`pn532:/dev/ttyUSB0${keys}`, { pn532: pn532Options() });

describe('keys of the driver', () => {
  it('become settings, and what is absent stays a default', () => {
    expect(read('?baud=9600&ackMs=200&maxTargetsB=1&postamble=false&maxRtyCom=3')).toMatchObject({
      target: { kind: 'serial', path: '/dev/ttyUSB0' },
      options: { baud: 9600 },
      own: { ackMs: 200, maxTargetsB: 1, postamble: false, maxRtyCom: 3 },
    });
    expect(read('')).toMatchObject({ own: {} });
  });

  it('are settings, every one', () => {
    const { own } = read('?quietMs=1&pauseMs=1&fieldOffMs=1&fieldOnMs=1&heartbeatMs=100&emptyRounds=1') as {
      own: object;
    };
    for (const key of Object.keys(own)) expect(PN532_DEFAULTS).toHaveProperty(key);
  });

  it.each([
    'ackMs=soon',
    'ackMs=-1',
    'emptyRounds=0',
    'maxRetries=255',
    'maxTargetsB=3',
    'postamble=0',
    'akcMs=1',
  ])('with %s are refused', (key) => {
    expect(() => read(`?${key}`)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
