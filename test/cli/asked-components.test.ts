import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { askComponents } from '../../src/cli/keys/asked-components.ts';
import { toHex } from '../../src/platform/bytes.ts';

/** A keyboard at which somebody answers each prompt. */
class Keyboard extends EventEmitter {
  readonly isTTY = true;
  raw = false;
  shown = '';
  readonly #answers: readonly string[];
  #next = 0;

  constructor(answers: readonly string[]) {
    super();
    this.#answers = answers;
  }

  readonly say = (text: string) => {
    this.shown += text;
  };

  setRawMode(raw: boolean): void {
    this.raw = raw;
  }

  resume(): void {
    const answer = this.#answers[this.#next++];
    if (answer === undefined) throw new Error('nobody answers this prompt');
    queueMicrotask(() => {
      // Key by key, except for what comes as one piece, as pasted text does.
      const pieces = answer.startsWith('PASTE ') ? [answer.slice(6)] : [...answer];
      for (const piece of pieces) this.emit('data', Buffer.from(piece));
    });
  }

  pause(): void {}
}

const COMPONENT = '0123456789ABCDEFFEDCBA9876543210';

describe('holders at the keyboard', () => {
  it('are asked one after the other; no component is shown', async () => {
    const keyboard = new Keyboard([
      'Alice\r',
      `${COMPONENT}\r`,
      '08D7B4\r',
      'PASTE 张三\n',
      `PASTE ${COMPONENT.toLowerCase()}\r`,
      '08D7B4\r',
      '\r',
      'D2B91C\r',
    ]);
    const { forms, keyKcv } = await askComponents(keyboard, keyboard.say);
    expect(forms.map(({ holder, component, kcv }) => [holder, toHex(component), kcv])).toEqual([
      ['Alice', COMPONENT, '08D7B4'],
      ['张三', COMPONENT, '08D7B4'],
    ]);
    expect(keyKcv).toBe('D2B91C');
    expect(keyboard.shown.toUpperCase()).not.toContain('01234567');
    expect(keyboard.shown).toContain('*'.repeat(32));
    expect(keyboard.shown).toContain('Holder 2: 张三');
    expect(keyboard.shown).toContain('Holder 3 (empty when there is none): ');
    expect(keyboard.raw).toBe(false);
    expect(keyboard.listenerCount('data')).toBe(0);
  });

  it('are three at most', async () => {
    const one = (name: string) => [`${name}\r`, `${COMPONENT}\r`, '08D7B4\r'];
    const keyboard = new Keyboard([...one('A'), ...one('B'), ...one('C'), 'FFFFFF\r']);
    expect((await askComponents(keyboard, keyboard.say)).forms).toHaveLength(3);
  });

  it('may take a key back', async () => {
    const keyboard = new Keyboard([
      'Alicf\u007fe\r',
      `XX\b\b${COMPONENT}\r`,
      '08D7B4\r',
      'B\r',
      `${COMPONENT}\r`,
      'FF\r',
      '\r',
      'FF\r',
    ]);
    const { forms } = await askComponents(keyboard, keyboard.say);
    expect([forms[0]?.holder, toHex(forms[0]?.component as Uint8Array)]).toEqual(['Alice', COMPONENT]);
  });

  it('may give up', async () => {
    const keyboard = new Keyboard(['Alice\r', '0123\u0003']);
    await expect(askComponents(keyboard, keyboard.say)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect([keyboard.raw, keyboard.listenerCount('data')]).toEqual([false, 0]);
  });

  it('are told when it is no hex, without what they typed', async () => {
    const keyboard = new Keyboard(['Alice\r', '0123456789XYZ0\r']);
    const refused = askComponents(keyboard, keyboard.say);
    await expect(refused).rejects.toMatchObject({ code: 'FORMAT' });
    await expect(refused).rejects.not.toThrow(/XYZ/);
  });
});
