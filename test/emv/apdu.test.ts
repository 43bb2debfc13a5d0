import { describe, expect, it } from 'vitest';
import { openSession } from '../../src/emv/apdu.ts';
import { createRecord } from '../../src/emv/record.ts';
import { fromHex, toHex } from '../../src/platform/bytes.ts';
import { type Answers, scriptedCard } from './support/card.ts';

async function send(command: string, answers: Answers) {
  const channel = scriptedCard(answers);
  const record = createRecord('contact');
  const answer = await openSession(channel, record, new AbortController().signal).send(fromHex(command));
  const text = answer.kind === 'fault' ? answer.fault : `${toHex(answer.data)}/${answer.sw.toString(16)}`;
  return { text, commands: channel.commands, exchanges: record.exchanges };
}

describe('the APDU layer', () => {
  it('gives data and status word', async () => {
    expect((await send('00B2010C00', { '00B2': '70019000' })).text).toBe('7001/9000');
  });

  it('collects an answer by GET RESPONSE, at most ten times', async () => {
    const two = await send('00A4040000', {
      '00A4': '6F6102',
      '00C0000002': '01026101',
      '00C0000001': '039000',
    });
    expect(two.text).toBe('6F010203/9000');
    const ten = { '00A4': '6101', '00C0': [...Array(9).fill('016101'), '019000'] };
    expect((await send('00A4040000', ten)).text).toBe(`${'01'.repeat(10)}/9000`);
    const endless = await send('00A4040000', { '00A4': '6101', '00C0': '016101' });
    expect([endless.text, endless.commands.length]).toEqual(['protocol', 11]);
  });

  it('repeats once with the Le that the card wants', async () => {
    const right = await send('00B2010C00', { '00B2': '6C05', '00B2010C05': '01020304059000' });
    expect([right.text, right.commands]).toEqual(['0102030405/9000', ['00B2010C00', '00B2010C05']]);
    const body = await send('80AE80000211220000'.slice(0, 16), { '80AE': ['6C05', '6C06'] });
    expect([body.text, body.commands]).toEqual(['/6c06', ['80AE800002112200', '80AE800002112205']]);
  });

  it.each(['', '90'])('takes an answer of %j as a fault', async (answer) => {
    const { text, exchanges } = await send('00B2010C00', { '00B2': answer });
    expect([text, exchanges.length]).toEqual(['protocol', 1]);
  });

  it('records what went over the wire', async () => {
    const { exchanges } = await send('00B2010C00', { '00B2': '6103', '00C0': '0102039000' });
    expect(exchanges.map((e) => [toHex(e.command), toHex(e.response)])).toEqual([
      ['00B2010C00', '6103'],
      ['00C0000003', '0102039000'],
    ]);
    const gone = await send('00B2010C00', { '00B2': 'removed' });
    expect(gone.exchanges[0]).toMatchObject({ fault: 'removed' });
  });
});
