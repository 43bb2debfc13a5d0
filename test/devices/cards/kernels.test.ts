import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { issuerOf } from '../../../devices/cards/issuer.ts';
import { createCard, loadCard } from '../../../devices/cards/load.ts';
import { createVirtualReader } from '../../../devices/virtual/reader.ts';
import { buildEmvConfig, emvConfigShape } from '../../../src/emv/config.ts';
import type { OnlineAnswer } from '../../../src/emv/transaction.ts';
import { VirtualClock } from '../../../src/platform/clock.ts';
import { loadConfig } from '../../../src/platform/config.ts';
import { seededRandom } from '../../../src/platform/random.ts';
import { pins, run } from '../../emv/support/world.ts';
import { cardPath } from './hand.ts';

const terminal = new URL('../../../emv-fixtures/terminals/demo.yaml', import.meta.url).pathname;
const config = () =>
  buildEmvConfig(
    loadConfig(terminal, () => z.object(emvConfigShape())),
    terminal,
  );

/** One transaction of a shipped card at the demonstration terminal; the card's own issuer answers. */
async function pay(name: string, amountMinor: number, approved = true) {
  const file = loadCard(cardPath(name));
  const card = createCard(file, { random: seededRandom(name) });
  const reader = createVirtualReader({ clock: new VirtualClock(0) });
  if (card.contact !== undefined) reader.insert(card);
  else reader.tap(card);
  const presentation = await reader.awaitPresentation(
    ['contact', 'contactless'],
    new AbortController().signal,
    1000,
  );
  if (presentation.kind !== 'card') throw new Error(presentation.kind);
  let verified: boolean | undefined;
  const result = await run(presentation.channel, {
    config: config(),
    parameters: { amountMinor },
    services: {
      pin: pins('entered', 'entered'),
      async authorise({ data }): Promise<OnlineAnswer> {
        const object = (tag: number) => data.get(tag);
        verified = issuerOf(file)?.verifies(object);
        const arc = approved ? '00' : '05';
        const issuerData = issuerOf(file)?.authenticationData(object, { arc, approved });
        return {
          kind: 'answered',
          arc,
          approved,
          tags: new Map(issuerData === undefined ? [] : [[0x91, issuerData]]),
        };
      },
    },
  });
  return { ...result, verified };
}

describe('shipped cards at the demonstration terminal', () => {
  it.each([
    ['visa-credit', 1200, 'APPROVED_ONLINE', 'online-pin'],
    ['debit-offline-pin', 6000, 'APPROVED_ONLINE', 'offline-pin'],
    ['mastercard-cda', 12_000, 'APPROVED_ONLINE', 'online-pin'],
    ['unionpay-credit', 1200, 'APPROVED_ONLINE', 'online-pin'],
    ['sda', 6000, 'APPROVED_ONLINE', 'signature'],
    ['two-applications', 1200, 'APPROVED_ONLINE', 'online-pin'],
    ['visa-contactless', 6000, 'APPROVED_ONLINE', 'none'],
  ] as const)('%s of %i ends %s', async (name, amount, code, cvm) => {
    const { result, verified, tvr } = await pay(name, amount);
    expect([result.outcome.code, result.cvm, verified]).toEqual([code, cvm, true]);
    // No part of the data authentication failed.
    expect(Number.parseInt(tvr.slice(0, 2), 16) & 0x6c).toBe(0);
  });

  it.each([
    ['debit-offline-pin', 1200, 'APPROVED_OFFLINE'],
    ['visa-contactless', 1200, 'APPROVED_OFFLINE'],
    ['expired', 1200, 'DECLINED_OFFLINE'],
    ['blocked', 1200, 'NOT_ACCEPTED'],
    ['card-blocked', 1200, 'CARD_BLOCKED'],
  ] as const)('%s of %i ends %s', async (name, amount, code) => {
    const { result, verified } = await pay(name, amount);
    expect([result.outcome.code, verified]).toEqual([code, undefined]);
  });

  it.each([['visa-credit'], ['mastercard-cda'], ['debit-offline-pin']])(
    '%s declines with its issuer',
    async (name) => {
      const { result } = await pay(name, 12_000, false);
      expect(result.outcome.code).toBe('DECLINED_ONLINE');
    },
  );
});
