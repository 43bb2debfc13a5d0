import { describe, expect, it } from 'vitest';
import { createEmbeddedHost } from '../../src/app.ts';
import { loadHost } from '../../src/host/config.ts';
import { NEVER, VirtualClock } from '../../src/platform/clock.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { seededRandom } from '../../src/platform/random.ts';

const listeners = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;

function world() {
  const clock = new VirtualClock(0);
  const config = loadHost(fixturePath('hosts', 'demo.yaml'));
  const host = createEmbeddedHost({ config, clock, random: seededRandom('embedded') });
  return { clock, host };
}

describe('an embedded host', () => {
  it('listens once, from the first dial on', async () => {
    const { clock, host } = world();
    const { line, close } = await host;
    const before = listeners();
    const dialled = await clock.run(Promise.all([line.dial(NEVER, 1000), line.dial(NEVER, 1000)]));
    expect(dialled.map(({ kind }) => kind)).toEqual(['connected', 'connected']);
    expect([listeners() - before, clock.now()]).toEqual([1, 0]);
    await close();
    expect(await clock.run(line.dial(NEVER, 1000))).toMatchObject({ kind: 'refused' });
  });

  it('is closed without having listened', async () => {
    const { host } = world();
    const before = listeners();
    await (await host).close();
    expect(listeners()).toBe(before);
  });
});
