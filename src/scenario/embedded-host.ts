import { type HostConfig, loadHost } from '../host/config.ts';
import { fixturePath } from '../platform/fixtures.ts';
import type { TerminalSettings } from '../terminal/config.ts';

/** The demo's host, for a terminal that names no other: it trades in that terminal's currency. */
export function embeddedHost({ currency }: Pick<TerminalSettings, 'currency'>): HostConfig {
  const demo = loadHost(fixturePath('hosts', 'demo.yaml'));
  return { ...demo, currency: currency.code, exponent: currency.exponent };
}
