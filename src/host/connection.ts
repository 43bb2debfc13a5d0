import { FrameSplitter, frame } from '../iso8583/framing.ts';
import type { HostProfile } from '../iso8583/profile.ts';
import { minimumBody, openBody, swapped, wrapMessage } from '../iso8583/tpdu.ts';
import { type Clock, sleep, type Timer } from '../platform/clock.ts';
import { isPossumError } from '../platform/errors.ts';
import type { ByteStream } from '../ports/stream.ts';
import type { AnswerRule } from './config.ts';
import type { Switched } from './switch.ts';

/** What a connection needs of the host. */
export interface ConnectionServices {
  readonly profile: HostProfile;
  readonly clock: Clock;
  readonly frameTimeoutMs: number;
  /** Aborted when the host or the line goes down. */
  readonly signal: AbortSignal;
  process(message: Uint8Array): Switched;
  alarm(what: string): void;
}

/** Serves one terminal until it, the host or an error ends the connection; never rejects. */
export async function serveConnection(stream: ByteStream, services: ConnectionServices): Promise<void> {
  const splitter = new FrameSplitter(services.profile.framing, minimumBody(services.profile));
  let deadline: Timer | undefined;
  try {
    for (;;) {
      const bytes = await stream.read(services.signal);
      if (bytes === undefined) break;
      const { frames, error } = splitter.push(bytes);
      let open = true;
      for (const body of frames) open = open && (await serveFrame(stream, body, services));
      if (error !== undefined) services.alarm(`framing: ${error.message}`);
      if (!open || error !== undefined) break;
      if (splitter.pending === 0 || frames.length > 0) {
        deadline?.cancel();
        deadline = undefined;
      }
      // Whoever sends a byte now and then does not keep a connection for ever.
      if (splitter.pending > 0) {
        deadline ??= services.clock.after(services.frameTimeoutMs, () => void stream.close(), {
          background: true,
        });
      }
    }
  } catch (error) {
    const ended = isPossumError(error, 'CANCELLED') || isPossumError(error, 'UNAVAILABLE');
    if (!ended) services.alarm(`internal error: ${String(error)}`);
  } finally {
    deadline?.cancel();
    await stream.close().catch(() => {});
  }
}

/** @returns false when the connection is to be closed */
async function serveFrame(
  stream: ByteStream,
  body: Uint8Array,
  services: ConnectionServices,
): Promise<boolean> {
  const { profile } = services;
  const opened = openBody(profile, body);
  if (!opened.ok) {
    services.alarm(`routing: ${opened.error.message}`);
    return false;
  }
  const switched = services.process(opened.message);
  if (switched.kind === 'close') return false;
  if (switched.kind === 'nothing') return true;
  const answer = frame(wrapMessage(profile, swapped(opened.routing), switched.bytes), profile.framing);
  return sendAnswer(stream, answer, switched.rule, services);
}

async function sendAnswer(
  stream: ByteStream,
  answer: Uint8Array,
  rule: AnswerRule | undefined,
  { clock, signal }: ConnectionServices,
): Promise<boolean> {
  if (rule?.delayMs !== undefined) await sleep(clock, rule.delayMs, signal);
  if (rule?.dropConnection === true) return false;
  if (rule?.silence === true) return true;
  if (rule?.cutAfter !== undefined) {
    await stream.write(answer.subarray(0, rule.cutAfter));
    return false;
  }
  for (let copy = 0; copy < (rule?.copies ?? 1); copy++) await stream.write(answer);
  return true;
}
