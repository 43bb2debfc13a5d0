import { compileCodec, describeMessage, loadProfile, openBody } from '../../iso8583/index.ts';
import { toHex } from '../../platform/bytes.ts';
import { PossumError } from '../../platform/errors.ts';
import { fixturePath } from '../../platform/fixtures.ts';
import { spellingHint } from '../../platform/spelling-hint.ts';
import { hexInput } from '../input.ts';
import type { Decoded } from './decoders.ts';

/**
 * An ISO 8583 message in hex: bare, with its TPDU, or as a whole frame.
 * @param profile name of a shipped profile, or a profile file
 * @throws PossumError `FORMAT` naming field and offset
 */
export function decodeIso8583(input: string, profile: string, reveal: boolean): Decoded {
  const bytes = hexInput(input);
  const loaded = loadProfile(profilePath(profile));
  const codec = compileCodec(loaded.message);
  const attempts = candidates(bytes, loaded);
  let failure: PossumError | undefined;
  for (const { message, envelope } of attempts) {
    const unpacked = codec.unpack(message);
    if (unpacked.ok) {
      const rows = describeMessage(unpacked.message, loaded.message, { clear: reveal });
      const lines = rows.flatMap((row) => [
        `F${String(row.field).padEnd(3)} ${row.name.padEnd(36)} ${row.value}`,
        ...(row.parts ?? []).map((part) => `       ${part.name}: ${part.value}`),
      ]);
      return {
        text: [
          ...(envelope === undefined ? [] : [`Routing ${envelope}`]),
          `MTI  ${unpacked.message.mti}`,
          ...lines,
        ].join('\n'),
        json: {
          ...(envelope === undefined ? {} : { routing: envelope }),
          mti: unpacked.message.mti,
          fields: rows,
        },
      };
    }
    failure ??= new PossumError('FORMAT', unpacked.error.message, {
      where: `field ${unpacked.error.field}, byte ${unpacked.error.offset} of the message`,
      remedy: `It was read with profile ${loaded.name}; --profile names another.`,
    });
  }
  throw failure ?? new PossumError('FORMAT', 'there is no message');
}

/** The shipped profiles. */
const PROFILES: readonly string[] = ['nac', 'cup', 'ascii87'];

function profilePath(profile: string): string {
  if (/[/\\]|\.ya?ml$/.test(profile)) return profile;
  if (PROFILES.includes(profile)) return fixturePath('hosts', `${profile}.yaml`);
  throw new PossumError('USAGE', `there is no profile "${profile}"`, {
    remedy: spellingHint(profile, PROFILES, 'profiles'),
  });
}

/** The ways in which people paste a message: a frame with its length, a body with its TPDU, the message alone. */
function candidates(bytes: Uint8Array, profile: ReturnType<typeof loadProfile>) {
  const found: { message: Uint8Array; envelope?: string }[] = [];
  const stated = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  for (const body of stated === bytes.length - 2 ? [bytes.subarray(2), bytes] : [bytes]) {
    const opened = openBody(profile, body);
    if (opened.ok && opened.message.length < body.length) {
      found.push({
        message: opened.message,
        envelope: toHex(body.subarray(0, body.length - opened.message.length)),
      });
    }
    found.push({ message: body });
  }
  return found;
}
