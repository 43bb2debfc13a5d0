import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listPorts, portIdentity } from '../../../devices/transport/discovery.ts';
import { wireClock } from '../../../devices/transport/wire-clock.ts';
import { onLinux } from '../../support/linux.ts';

const clock = wireClock();
const root = mkdtempSync(join(tmpdir(), 'possum-ports-'));
const folders = { dev: join(root, 'dev'), sys: join(root, 'sys') };

afterAll(() => rmSync(root, { recursive: true, force: true }));

function file(path: string, text = ''): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function link(path: string, target: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

/** A USB adapter as Linux shows one: the tty hangs below an interface of the device. */
function plugIn(tty: string, usb: Readonly<Record<string, string>>): void {
  const device = join(folders.sys, 'devices/usb1', tty);
  for (const [name, value] of Object.entries(usb)) file(join(device, name), `${value}\n`);
  mkdirSync(join(device, '1-1:1.0', tty), { recursive: true });
  link(join(folders.sys, 'class/tty', tty, 'device'), join(device, '1-1:1.0', tty));
  file(join(folders.dev, tty));
}

plugIn('ttyUSB10', { idVendor: '1a86', idProduct: '7523' });
plugIn('ttyUSB2', {
  idVendor: '0403',
  idProduct: '6001',
  serial: 'A50285BI',
  manufacturer: 'FTDI',
  product: 'FT232R USB UART',
});
link(join(folders.dev, 'serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0'), '../../ttyUSB2');
link(join(folders.dev, 'serial/by-id/usb-gone'), '../../ttyUSB77');
file(join(folders.dev, 'ttyS0'));
file(join(folders.sys, 'class/tty/ttyS0/type'), '4\n');
file(join(folders.dev, 'ttyS1'));
file(join(folders.sys, 'class/tty/ttyS1/type'), '0\n');
file(join(folders.dev, 'ttyS2'));
for (const name of ['tty1', 'null', 'ttyUSBx']) file(join(folders.dev, name));

describe.runIf(onLinux)('port discovery', () => {
  it('finds the ports that have hardware, with their identity and stable names', async () => {
    expect(await listPorts(clock, folders)).toEqual([
      { path: join(folders.dev, 'ttyS0') },
      {
        path: join(folders.dev, 'ttyUSB2'),
        stablePath: join(folders.dev, 'serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0'),
        vendorId: '0403',
        productId: '6001',
        serialNumber: 'A50285BI',
        manufacturer: 'FTDI',
        product: 'FT232R USB UART',
      },
      { path: join(folders.dev, 'ttyUSB10'), vendorId: '1a86', productId: '7523' },
    ]);
  });

  it('tells devices behind one name apart', async () => {
    const byId = join(folders.dev, 'serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0');
    expect(await portIdentity(byId, clock, folders)).toBe('0403:6001:A50285BI');
    expect(await portIdentity(join(folders.dev, 'ttyUSB10'), clock, folders)).toBe('1a86:7523:');
    expect(await portIdentity(join(folders.dev, 'ttyS0'), clock, folders)).toBeUndefined();
    expect(await portIdentity(join(folders.dev, 'ttyUSB99'), clock, folders)).toBeUndefined();
  });

  it('finds nothing where there are no folders', async () => {
    const nowhere = { dev: join(root, 'none'), sys: join(root, 'none') };
    expect(await listPorts(clock, nowhere)).toEqual([]);
  });

  it('survives a machine without udevadm', async () => {
    const path = process.env.PATH;
    process.env.PATH = join(root, 'none');
    try {
      await expect(listPorts(clock)).resolves.toBeInstanceOf(Array);
    } finally {
      process.env.PATH = path;
    }
  });
});
