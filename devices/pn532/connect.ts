import { type Clock, type Release, until } from '../../src/platform/clock.ts';
import { isPossumError } from '../../src/platform/errors.ts';
import type { Trace } from '../../src/platform/trace.ts';
import type { Dialler } from '../../src/ports/index.ts';
import { type Identity, parseFirmwareVersion, REQUEST } from './commands.ts';
import { Pn532Link } from './link.ts';
import type { Pn532Settings } from './settings.ts';

/** Opening the line: wake-up, SAMConfiguration, who is there, settings. */

export type Connected =
  | { readonly kind: 'opened'; readonly identity: Identity; readonly link: Pn532Link }
  | { readonly kind: 'failed'; readonly reason: string };

export interface ConnectServices {
  readonly dialler: Dialler;
  readonly clock: Clock;
  readonly settings: Pn532Settings;
  readonly hold: () => Release;
  readonly trace: Trace;
  readonly onClosed: (link: Pn532Link) => void;
}

const PN532_IC = 0x32;

/** The identity in an answer to GetFirmwareVersion; `undefined` when it is no PN532. */
export function identify(version: Uint8Array): Identity | undefined {
  const identity = parseFirmwareVersion(version);
  return identity?.ic === PN532_IC ? identity : undefined;
}

/** @param known `undefined` fits every device */
export function sameDevice(identity: Identity, known: Identity | undefined): boolean {
  if (known === undefined) return true;
  return (
    identity.ic === known.ic &&
    identity.version === known.version &&
    identity.revision === known.revision &&
    identity.support === known.support
  );
}

/**
 * @param known the identity that is expected, after a reconnect
 * @param deadlineMs a reading of the wire's clock
 * @throws PossumError `CANCELLED` when `signal` is aborted; the line is closed by then
 */
export async function connect(
  services: ConnectServices,
  known: Identity | undefined,
  signal: AbortSignal,
  deadlineMs: number,
): Promise<Connected> {
  const { clock, dialler, settings } = services;
  const dialled = await dialler.dial(signal, deadlineMs);
  if (dialled.kind === 'refused') return failed(dialler, dialled.reason);
  const link: Pn532Link = new Pn532Link({
    stream: dialled.stream,
    clock,
    settings,
    hold: services.hold,
    trace: services.trace,
    onClosed: () => services.onClosed(link),
  });
  const late = new AbortController();
  const ended = AbortSignal.any([signal, late.signal]);
  try {
    const greeted = await until(clock, deadlineMs, greet(link, settings, known, ended), signal);
    if (greeted?.kind === 'opened') return greeted;
    late.abort();
    await link.close();
    return failed(dialler, greeted?.reason ?? 'no answer in time');
  } catch (cause) {
    if (isPossumError(cause, 'CANCELLED')) await link.close();
    throw cause;
  }
}

async function greet(
  link: Pn532Link,
  settings: Pn532Settings,
  known: Identity | undefined,
  signal: AbortSignal,
): Promise<Connected> {
  const version = (await wake(link, signal, settings)) ? await whoIs(link, settings, signal) : undefined;
  if (version === undefined)
    return { kind: 'failed', reason: link.isClosed ? 'the line is gone' : 'no PN532 answers' };
  const identity = identify(version);
  if (identity === undefined) return { kind: 'failed', reason: 'the device is no PN532' };
  if (!sameDevice(identity, known)) return { kind: 'failed', reason: 'another device answers' };
  if (!(await initialise(link, settings, signal)))
    return { kind: 'failed', reason: 'the device refuses its settings' };
  return { kind: 'opened', identity, link };
}

/** A chip that hears its first bytes while it still sleeps misses the command behind them. */
async function wake(link: Pn532Link, signal: AbortSignal, settings: Pn532Settings): Promise<boolean> {
  for (let attempt = 0; attempt <= settings.repeats; attempt++) {
    if (!(await link.wakeUp())) return false;
    const options = { answerMs: settings.answerMs, repeatable: false, signal };
    const reply = await link.command(REQUEST.samConfiguration, options);
    if (reply.kind === 'answer') return true;
    if (reply.kind !== 'silent') return false;
  }
  return false;
}

async function whoIs(
  link: Pn532Link,
  settings: Pn532Settings,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const options = { answerMs: settings.answerMs, repeatable: true, signal };
  const reply = await link.command(REQUEST.getFirmwareVersion, options);
  return reply.kind === 'answer' ? reply.data : link.resynchronise(signal);
}

/**
 * Sets up a chip that answers: it may have lost its settings. The number of retries comes first, as no command
 * may wait for a card for ever.
 * @returns false when it refuses one of them, or gives no answer in two attempts
 */
export async function initialise(
  link: Pn532Link,
  settings: Pn532Settings,
  signal: AbortSignal,
): Promise<boolean> {
  if (await setUp(link, settings, signal)) return true;
  if ((await link.resynchronise(signal)) === undefined) return false;
  return setUp(link, settings, signal);
}

async function setUp(link: Pn532Link, settings: Pn532Settings, signal: AbortSignal): Promise<boolean> {
  const { maxRtyCom } = settings;
  const requests = [
    REQUEST.samConfiguration,
    REQUEST.maxRetries(settings.maxRetries),
    REQUEST.setParameters,
    ...(maxRtyCom === undefined ? [] : [REQUEST.maxRtyCom(maxRtyCom)]),
    REQUEST.releaseAll,
    REQUEST.field(false),
  ];
  for (const request of requests) {
    const reply = await link.command(request, { answerMs: settings.answerMs, repeatable: true, signal });
    if (reply.kind !== 'answer') return false;
  }
  return true;
}

function failed(dialler: Dialler, reason: string): Connected {
  return { kind: 'failed', reason: `${reason} (${dialler.address})` };
}
