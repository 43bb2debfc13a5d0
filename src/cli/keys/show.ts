import { dateParts } from '../../platform/clock.ts';
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { LoadedInitialKey } from '../../secure/future-keys.ts';
import type { KeySlot } from '../../secure/key-slots.ts';
import { usageTitle } from '../../secure/key-usage.ts';
import type { KeyView } from '../../secure/key-view.ts';
import type { DataOptions } from '../data-folder.ts';
import { printJson, printText, table } from '../output.ts';
import { withKeyView } from './vault.ts';

/** `possum keys list` */
export async function listKeys(options: DataOptions): Promise<void> {
  await withKeyView(options, (view) => {
    if (options.json === true) printJson(jsonOf(view));
    else printText(textOf(view));
  });
}

/**
 * `possum keys export-kcv`
 * @returns 1 when the slot that was asked for has no check value
 */
export async function exportCheckValues(
  options: DataOptions & { readonly slot?: string },
): Promise<ExitCode> {
  return withKeyView(options, (view) => {
    const values = checkValueRows(view).filter(
      ({ slot }) => options.slot === undefined || slot === options.slot,
    );
    if (options.json === true) printJson(values);
    else if (values.length === 0) printText('No key in a slot has a check value.');
    else {
      printText(
        table(
          ['Slot', 'Usage', 'Algorithm', 'Method', 'KCV'],
          values.map(({ slot, usage, algorithm, method, kcv }) => [slot, usage, algorithm, method, kcv]),
        ),
      );
    }
    return options.slot !== undefined && values.length === 0 ? EXIT.failed : EXIT.done;
  });
}

interface CheckValueRow {
  readonly slot: string;
  readonly usage: string;
  readonly algorithm: string;
  readonly method: string;
  readonly kcv: string;
}

/** The initial key itself is gone: what it had when it was loaded is told. */
function checkValueRows(view: KeyView): CheckValueRow[] {
  const loaded = view.dukpt?.loaded;
  const initial: CheckValueRow[] =
    loaded === undefined
      ? []
      : [
          {
            slot: 'dukpt',
            usage: 'B1',
            algorithm: `${loaded.scheme}-${loaded.bits}`,
            method: loaded.scheme === 'AES' ? 'CMAC-ZEROS' : 'ENCRYPT-ZEROS',
            kcv: loaded.kcv,
          },
        ];
  return [
    ...initial,
    ...view.checkValues().map(({ slot: { name, usage, algorithm, bits }, method, value }) => ({
      slot: name,
      usage,
      algorithm: algorithmName(algorithm, bits),
      method,
      kcv: value,
    })),
  ];
}

/** `TDES-128`, `AES-256`, `HMAC-256`: the algorithm with its bits. */
export function algorithmName(algorithm: string, bits: number): string {
  return `${ALGORITHMS[algorithm] ?? algorithm}-${bits}`;
}

const ALGORITHMS: Readonly<Record<string, string>> = { T: 'TDES', D: 'DES', A: 'AES', H: 'HMAC' };

function jsonOf({ tampering, dukpt, slots }: KeyView): unknown {
  return {
    status: tampering === undefined ? (dukpt === undefined ? 'unprovisioned' : 'provisioned') : 'tampered',
    ...(tampering === undefined ? {} : { tampering }),
    ...(dukpt === undefined ? {} : { dukpt }),
    slots: slots.map((slot) => ({ ...slot, purpose: usageTitle(slot.usage) })),
  };
}

function textOf({ tampering, dukpt, slots }: KeyView): string {
  if (tampering !== undefined) {
    const { isoDate, isoTime } = dateParts(tampering.atMs);
    return `Tampered with on ${isoDate} ${isoTime}: ${tampering.reason}. Every key is erased; \`possum keys inject --fresh\` starts anew.`;
  }
  if (dukpt === undefined && slots.length === 0) return 'No keys. See `possum keys inject --help`.';
  const rows = slots.map((slot) => rowOf(slot, slot.intact));
  if (dukpt?.loaded !== undefined) rows.unshift(initialKeyRow(dukpt.loaded));
  const header = ['Slot', 'Usage', 'Purpose', 'Algorithm', 'Mode', 'Export', 'KCV', 'Origin'];
  return [table(header, rows), ...registerLines(dukpt)].join('\n');
}

function rowOf(slot: KeySlot, intact = true): string[] {
  const { name, usage, algorithm, bits, modeOfUse, exportability, kcv, origin, under } = slot;
  return [
    name,
    usage,
    usageTitle(usage),
    algorithmName(algorithm, bits),
    modeOfUse,
    exportability,
    intact ? kcv || '-' : 'ALTERED',
    under === undefined ? origin : `${origin} (${under})`,
  ];
}

function initialKeyRow({ scheme, bits, kcv, origin }: LoadedInitialKey): string[] {
  return ['dukpt', 'B1', usageTitle('B1'), `${scheme}-${bits}`, 'X', 'N', kcv, origin];
}

function registerLines(dukpt: KeyView['dukpt']): string[] {
  if (dukpt === undefined) return [];
  const { loaded, nextKsn, registers, wrongRegisters, passedOver } = dukpt;
  if (nextKsn === undefined) return ['The last KSN is used: inject the initial key of another device id.'];
  const wrong =
    wrongRegisters.length === 0
      ? 'none altered'
      : `ALTERED: ${wrongRegisters.join(', ')}; their keys are passed over`;
  return [
    ...(loaded === undefined ? ['The record of the initial key was ALTERED.'] : []),
    `Next KSN ${nextKsn}; ${registers} registers, ${wrong}${passedOver === 0 ? '' : `; ${passedOver} passed over so far`}`,
  ];
}

/** What was loaded, in one line or as JSON. */
export function reportLoaded(slot: KeySlot, json: boolean): void {
  if (json) {
    printJson(slot);
    return;
  }
  const { name, usage, algorithm, bits, kcv, origin } = slot;
  const mark = origin === 'marked-by-flag' ? ' NOT KNOWN AS A TEST KEY, taken on your word.' : '';
  printText(
    `${name}: ${usage} (${usageTitle(usage)}), ${algorithmName(algorithm, bits)}, KCV ${kcv || '-'}.${mark}`,
  );
}

/** What was injected, in one line or as JSON. */
export function reportInjected(loaded: LoadedInitialKey, nextKsn: string, json: boolean): void {
  if (json) {
    printJson({ ...loaded, nextKsn });
    return;
  }
  const mark = loaded.origin === 'marked-by-flag' ? ' NOT KNOWN AS A TEST KEY, taken on your word.' : '';
  printText(
    `dukpt: initial key ${loaded.scheme}-${loaded.bits}, KCV ${loaded.kcv}. Next KSN ${nextKsn}.${mark}`,
  );
}
