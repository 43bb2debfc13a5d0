import { pinFromText } from '../../../src/crypto/pin-block.ts';
import type { EmvConfig } from '../../../src/emv/config.ts';
import { buildEmvConfig, type EmvConfigInput } from '../../../src/emv/config.ts';
import { runContact } from '../../../src/emv/contact/run.ts';
import { runContactless } from '../../../src/emv/contactless/entry-point.ts';
import { createRecord, type KeptRecord } from '../../../src/emv/record.ts';
import type {
  EmvResult,
  EmvServices,
  OnlineAnswer,
  OnlineRequest,
  TransactionParameters,
} from '../../../src/emv/transaction.ts';
import { fromHex, toHex } from '../../../src/platform/bytes.ts';
import { VirtualClock } from '../../../src/platform/clock.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import type { CardChannel, PinService } from '../../../src/ports/index.ts';
import { verifyEnciphered, verifyPlaintext } from '../../../src/secure/offline-pin.ts';
import { AID } from './card.ts';

export const TERMINAL: EmvConfigInput = {
  data: {
    '9F1A': '0840',
    '5F2A': '0840',
    '5F36': '02',
    '9F33': 'E0F8C8',
    '9F35': '22',
    '9F40': 'F000F0A001',
  },
  aids: [{ aid: AID, label: 'VISA', version: '0096', floorLimit: 10000, defaultDdol: '9F3704' }],
};

/** The terminal with changes at the first application and in the data objects. */
export function config(
  aid: Partial<EmvConfigInput['aids'][number]> = {},
  data: Record<string, string> = {},
  more: Partial<EmvConfigInput> = {},
): EmvConfig {
  const [first] = TERMINAL.aids;
  return buildEmvConfig(
    { ...TERMINAL, data: { ...TERMINAL.data, ...data }, aids: [{ ...first, aid: AID, ...aid }], ...more },
    'test.yaml',
  );
}

/** A PIN service that plays a list of answers; VERIFY goes out with PIN 1234, or with the digits of an answer. */
export function pins(...answers: string[]): PinService {
  const next = () => answers.shift() ?? 'unavailable';
  const digits = (answer: string) => pinFromText(answer === 'entered' ? '1234' : answer);
  return {
    async online() {
      return { kind: next() as 'entered' };
    },
    async offlinePlaintext(_request, transmit) {
      const answer = next();
      if (!/^(entered|\d+)$/.test(answer)) return { kind: answer as 'bypassed' };
      return verifyPlaintext(digits(answer), transmit);
    },
    async offlineEnciphered({ key, challenge }, transmit) {
      const answer = next();
      if (!/^(entered|\d+)$/.test(answer)) return { kind: answer as 'bypassed' };
      return verifyEnciphered(digits(answer), key, challenge, seededRandom('padding'), transmit);
    },
  };
}

export const answered = (
  arc: string,
  approved: boolean,
  tags: Record<number, string> = {},
  scripts: string[] = [],
): OnlineAnswer => ({
  kind: 'answered',
  arc,
  approved,
  tags: new Map(Object.entries(tags).map(([tag, value]) => [Number(tag), fromHex(value)])),
  scripts: scripts.map(fromHex),
});

export interface Run {
  readonly result: EmvResult;
  readonly record: KeptRecord;
  readonly requests: OnlineRequest[];
  /** Code of the outcome. */
  readonly code: string;
  readonly tvr: string;
  readonly tsi: string;
  readonly cvmResults: string;
  readonly get: (tag: number) => string;
}

export interface Setting {
  readonly config?: EmvConfig;
  readonly parameters?: Partial<TransactionParameters>;
  readonly services?: Partial<EmvServices>;
  readonly answer?: OnlineAnswer;
}

/** One transaction of 12.00 on 2026-11-21; the issuer approves unless told otherwise. */
export async function run(channel: CardChannel, setting: Setting = {}): Promise<Run> {
  const record = createRecord(channel.interface);
  const requests: OnlineRequest[] = [];
  const services: EmvServices = {
    channel,
    config: setting.config ?? config(),
    random: seededRandom(1),
    clock: new VirtualClock(0),
    signal: new AbortController().signal,
    pin: pins(),
    record,
    chooseApplication: async () => 0,
    recentAmountMinor: () => 0,
    authorise: async (request) => {
      requests.push({ ...request, data: request.data.copy() });
      return setting.answer ?? answered('00', true);
    },
    ...setting.services,
  };
  const parameters: TransactionParameters = {
    amountMinor: 1200,
    otherMinor: 0,
    transactionType: 0,
    dateYymmdd: '261121',
    timeHhmmss: '101500',
    sequence: 7,
    ...setting.parameters,
  };
  const start = channel.interface === 'contact' ? runContact : runContactless;
  const result = await start(parameters, services);
  const get = (tag: number) => toHex(result.data.get(tag) ?? new Uint8Array(0));
  return {
    result,
    record,
    requests,
    code: result.outcome.code,
    tvr: get(0x95),
    tsi: get(0x9b),
    cvmResults: get(0x9f34),
    get,
  };
}
