import { PossumError } from '../../platform/errors.ts';
import { hexInput } from '../input.ts';
import type { ComponentForm, ComponentForms } from './component-forms.ts';

/** What a person at a keyboard is asked with. */
export interface Keyboard {
  readonly isTTY?: boolean;
  setRawMode(raw: boolean): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * Asks the holders one after the other; a component is not shown while it is typed, and the screen is cleared between
 * two holders.
 * @param say shows a prompt
 * @throws PossumError `CANCELLED` on Ctrl-C, `FORMAT` for what is not hex
 */
export async function askComponents(
  keyboard: Keyboard,
  say: (text: string) => void,
): Promise<ComponentForms> {
  const forms: ComponentForm[] = [];
  for (;;) {
    const number = forms.length + 1;
    const holder = await ask(`Holder ${number}${number > 2 ? ' (empty when there is none)' : ''}: `, false);
    if (holder === '' && number > 2) break;
    const component = hexInput(await ask('Component (not shown): ', true));
    const kcv = await ask('Its check value: ', false);
    forms.push({ holder, component, kcv });
    say(`${CLEAR}Thank you, ${holder}. Please leave the keyboard to the next one.\n`);
    if (number === 3) break;
  }
  return { forms, keyKcv: await ask('Check value of the whole key: ', false) };

  async function ask(prompt: string, hidden: boolean): Promise<string> {
    say(prompt);
    return readLine(keyboard, hidden, say);
  }
}

const CLEAR = '\u001b[2J\u001b[H';
const CTRL_C = '\u0003';
const BACKSPACE = ['\b', '\u007f'];
const ENTER = ['\n', '\r'];

/** One line, key by key: a line editor would keep copies of what was typed. */
function readLine(keyboard: Keyboard, hidden: boolean, say: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const typed: string[] = [];
    const end = (then: () => void) => {
      keyboard.off('data', listen);
      keyboard.setRawMode(false);
      keyboard.pause();
      say('\n');
      then();
      typed.fill('');
    };
    const listen = (chunk: Buffer) => {
      for (const key of chunk.toString('utf8')) {
        if (key === CTRL_C)
          return end(() => reject(new PossumError('CANCELLED', 'key loading was cancelled')));
        if (ENTER.includes(key)) return end(() => resolve(typed.join('').trim()));
        if (BACKSPACE.includes(key)) {
          if (typed.pop() !== undefined) say('\b \b');
        } else if (key >= ' ') {
          typed.push(key);
          say(hidden ? '*' : key);
        }
      }
    };
    keyboard.setRawMode(true);
    keyboard.on('data', listen);
    keyboard.resume();
  });
}
