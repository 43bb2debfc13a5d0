import { BlockList, isIP } from 'node:net';
import { PossumError } from '../../src/platform/errors.ts';

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

const PRIVATE_SUBNETS: readonly [string, number, 'ipv4' | 'ipv6'][] = [
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
];

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT`, with or without `tcp://`.
 * @throws PossumError `USAGE` when it is neither
 */
export function parseTcpAddress(text: string): TcpAddress {
  const match = /^(?:tcp:\/\/)?(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:/]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new PossumError('USAGE', 'is no address of the form HOST:PORT', {
      where: text,
      remedy: 'Write for instance 127.0.0.1:5000.',
    });
  }
  return { host: (match[1] ?? match[2]) as string, port };
}

/** `HOST:PORT`, with brackets round an IPv6 address. */
export function formatTcpAddress({ host, port }: TcpAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * A test tool does not talk to the world by accident.
 * @throws PossumError `USAGE` when `host` is neither loopback nor private; a name other than localhost counts as public
 */
export function requirePrivate(host: string): void {
  if (isLoopback(host)) return;
  const family = isIP(host);
  if (family !== 0) {
    const list = new BlockList();
    for (const [network, prefix, kind] of PRIVATE_SUBNETS) list.addSubnet(network, prefix, kind);
    if (list.check(host, family === 6 ? 'ipv6' : 'ipv4')) return;
  }
  throw new PossumError('USAGE', 'is neither a loopback nor a private address', {
    where: host,
    remedy:
      'Use 127.0.0.1 or an address of a private network, or allow public addresses for this run: --allow-public.',
  });
}
