import { describe, expect, it } from 'vitest';
import { magstripeOptions } from '../../../devices/magstripe/options.ts';
import { MAGSTRIPE_DEFAULTS } from '../../../devices/magstripe/settings.ts';
import { parseDeviceSpec } from '../../../devices/transport/spec.ts';

const read = (keys: string) =>
  parseDeviceSpec(`magstripe:/dev/ttyUSB0${keys}`, { magstripe: magstripeOptions() });

describe('keys of the driver', () => {
  it('become settings, and what is absent stays a default', () => {
    const spec = read(
      '?baud=19200&track2=false&lrc=required&etxEnds=true&dialogue=idtech&answerMs=90&silenceMs=80&keepMs=0',
    );
    const own = {
      track2: false,
      lrc: 'required',
      etxEnds: true,
      dialogue: 'idtech',
      answerMs: 90,
      silenceMs: 80,
      keepMs: 0,
    };
    expect(spec).toMatchObject({ options: { baud: 19_200 }, own });
    for (const key of Object.keys(own)) expect(MAGSTRIPE_DEFAULTS).toHaveProperty(key);
    expect(read('')).toMatchObject({ own: {} });
  });

  it.each(['lrc=maybe', 'silenceMs=0', 'track2=1', 'keepMs=-1', 'lcr=auto'])('with %s are refused', (key) => {
    expect(() => read(`?${key}`)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
