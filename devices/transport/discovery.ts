import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, until } from '../../src/platform/clock.ts';
import { serialBinding } from './serial.ts';

/** A serial port that is there, and what is known of the device behind it. */
export interface PortInfo {
  /** What the operating system calls it now: `/dev/ttyUSB0`, `COM3`. */
  readonly path: string;
  /** A name that stays when the device is plugged in again: `/dev/serial/by-id/…`. */
  readonly stablePath?: string;
  /** USB identity, four lower-case hex digits each. */
  readonly vendorId?: string;
  readonly productId?: string;
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly product?: string;
}

/** Where Linux keeps its devices; replaced in tests. */
export interface DeviceFolders {
  readonly dev: string;
  readonly sys: string;
}

const SYSTEM: DeviceFolders = { dev: '/dev', sys: '/sys' };
/** A list that does not come by then is done without. */
const LIST_MS = 3000;
const SERIAL_NAME = /^(tty(USB|ACM|AMA|XRUSB|WCH|O|MFD)\d+|ttyS\d+|rfcomm\d+)$/;

type Listed = Awaited<ReturnType<Awaited<ReturnType<typeof serialBinding>>['list']>>[number];

/**
 * The serial ports of this machine, by path. What one source does not know another may: the binding's list, which
 * needs `udevadm` on Linux and is done without where that is missing, the folders of `/dev`, and `/sys`.
 * @param clock wire time
 */
export async function listPorts(clock: Clock, folders: DeviceFolders = SYSTEM): Promise<readonly PortInfo[]> {
  const ports = new Map<string, PortInfo>();
  const merge = (info: PortInfo) => ports.set(info.path, { ...ports.get(info.path), ...info });
  for (const listed of folders === SYSTEM ? await bindingList(clock) : []) {
    if (isThere(listed.path, folders)) merge(fromBinding(listed));
  }
  for (const info of scanFolders(folders)) merge(info);
  return [...ports.values()].sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

/**
 * The device behind a path, to be compared after a reconnect: vendor, product and serial number.
 * @returns `undefined` when nothing is known of it, as of a plain UART or a pseudo-terminal
 */
export async function portIdentity(
  path: string,
  clock: Clock,
  folders: DeviceFolders = SYSTEM,
): Promise<string | undefined> {
  const real = attempt(() => realpathSync(path)) ?? path;
  const port = (await listPorts(clock, folders)).find((info) => samePath(info.path, real));
  if (port?.vendorId === undefined) return undefined;
  return [port.vendorId, port.productId ?? '', port.serialNumber ?? ''].join(':');
}

function samePath(a: string, b: string): boolean {
  return a === b || (/^COM\d+$/i.test(a) && a.toLowerCase() === b.toLowerCase());
}

async function bindingList(clock: Clock): Promise<readonly Listed[]> {
  const listing = serialBinding().then((binding) => binding.list());
  listing.catch(() => {});
  return (await until(clock, clock.now() + LIST_MS, listing).catch(() => undefined)) ?? [];
}

/** `/dev/ttyS0` … exist on Linux whether there is a chip or not. */
function isThere(path: string, { sys }: DeviceFolders): boolean {
  const name = /^\/dev\/(ttyS\d+)$/.exec(path)?.[1];
  return name === undefined || hasUart(name, sys);
}

function hasUart(name: string, sys: string): boolean {
  const type = line(join(sys, 'class/tty', name, 'type'));
  return type !== undefined && type !== '0';
}

function fromBinding(listed: Listed): PortInfo {
  return known(listed.path, {
    stablePath: undefined,
    vendorId: listed.vendorId?.toLowerCase(),
    productId: listed.productId?.toLowerCase(),
    serialNumber: listed.serialNumber,
    manufacturer: listed.manufacturer,
    product: undefined,
  });
}

function* scanFolders(folders: DeviceFolders): Iterable<PortInfo> {
  const stable = stableNames(folders.dev);
  const names = (attempt(() => readdirSync(folders.dev)) ?? []).filter((name) => SERIAL_NAME.test(name));
  for (const name of names) {
    if (/^ttyS/.test(name) && !hasUart(name, folders.sys)) continue;
    const path = join(folders.dev, name);
    const usb = usbFolder(name, folders.sys);
    const of = (file: string) => (usb === undefined ? undefined : line(join(usb, file)));
    yield known(path, {
      stablePath: stable.get(attempt(() => realpathSync(path)) ?? path),
      vendorId: of('idVendor')?.toLowerCase(),
      productId: of('idProduct')?.toLowerCase(),
      serialNumber: of('serial'),
      manufacturer: of('manufacturer'),
      product: of('product'),
    });
  }
}

/** The names of `/dev/serial/by-id`, by the path that each points at. */
function stableNames(dev: string): Map<string, string> {
  const folder = join(dev, 'serial/by-id');
  const names = new Map<string, string>();
  for (const name of attempt(() => readdirSync(folder)) ?? []) {
    const target = attempt(() => realpathSync(join(folder, name)));
    if (target !== undefined) names.set(target, join(folder, name));
  }
  return names;
}

/** The folder of the USB device above a tty: the nearest one upwards that has a vendor. */
function usbFolder(name: string, sys: string): string | undefined {
  let folder = attempt(() => realpathSync(join(sys, 'class/tty', name, 'device')));
  for (let level = 0; folder !== undefined && level < 5; level++) {
    if (existsSync(join(folder, 'idVendor'))) return folder;
    folder = join(folder, '..');
  }
  return undefined;
}

function known(path: string, facts: Record<Exclude<keyof PortInfo, 'path'>, string | undefined>): PortInfo {
  const there = Object.entries(facts).filter(([, value]) => value !== undefined && value !== '');
  return { path, ...Object.fromEntries(there) };
}

function line(file: string): string | undefined {
  return attempt(() => readFileSync(file, 'utf8').trim());
}

function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
