import { existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CardState,
  cardPath,
  createCard,
  createRedactingTrace,
  createTerminal,
  createVirtualDevices,
  type EmulatedCard,
  loadCard,
  obligingHand,
  type PowerPoint,
  switchedLine,
} from '../../src/app.ts';
import { realClock } from '../../src/platform/clock.ts';
import { fixturePath } from '../../src/platform/fixtures.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { loadTerminalSettings } from '../../src/terminal/config.ts';
import { DAY, playAction } from './day.ts';

/**
 * A terminal in a process of its own. Arguments: data folder, host address, the power point at which it kills
 * itself (0: never), seed. It begins with the action after the last one that it noted as done, and says on
 * standard output what was told to the customer.
 */
const [folder = '', address = '', killAt = '0', seed = '1'] = process.argv.slice(2);
const clock = realClock();
const trace = createRedactingTrace(clock);
const progressFile = join(folder, 'progress');

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

trace.subscribe((event) => {
  if (event.kind === 'screen') say(`screen ${event.lines.join(' | ')}`);
  if (event.kind === 'print') say(`print ${event.lines.join(' | ')}`);
});

let points = 0;
function onPowerPoint(_kind: PowerPoint): void {
  points++;
  if (points === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

/** A card outlives the terminal's power: what it remembers is kept in a file after every command. */
function durableCard(name: string): EmulatedCard {
  const file = join(folder, `card-${name}.json`);
  const card = createCard(loadCard(cardPath(name)), { random: seededRandom(`${seed}/${name}`) });
  if (existsSync(file)) card.restore(JSON.parse(readFileSync(file, 'utf8')) as CardState);
  for (const face of [card.contact, card.contactless]) {
    if (face === undefined) continue;
    const respond = face.respond.bind(face);
    face.respond = (command) => {
      const response = respond(command);
      writeFileSync(file, JSON.stringify(card.state()));
      return response;
    };
  }
  return card;
}

async function main(): Promise<void> {
  const loaded = loadTerminalSettings(fixturePath('terminals', 'demo.yaml'));
  const settings = { ...loaded, host: { ...loaded.host, answerTimeoutMs: 250 } };
  const devices = createVirtualDevices(clock);
  obligingHand(trace, clock, devices, 0);
  const line = switchedLine(address, clock);
  const terminal = await createTerminal({
    settings,
    folder,
    clock,
    random: seededRandom(`${seed}/${points}/${Date.now()}`),
    devices,
    line,
    trace,
    onPowerPoint,
  });
  await terminal.boot();
  const cards = new Map<string, EmulatedCard>();
  const hands = {
    terminal,
    devices,
    setLine: (up: boolean) => {
      line.up = up;
    },
    present(name: string, by: 'insert' | 'tap' | 'swipe') {
      const card = cards.get(name) ?? durableCard(name);
      cards.set(name, card);
      devices.reader[by](card);
    },
  };
  const first = existsSync(progressFile) ? Number(readFileSync(progressFile, 'utf8')) : 0;
  for (let next = first; next < DAY.length; next++) {
    // An action that was cut is not played again: the customer would not pay twice either. A settlement is.
    const action = DAY[next] as (typeof DAY)[number];
    writeFileSync(progressFile, String(action.do === 'settle' ? next : next + 1));
    await playAction(action, hands);
    writeFileSync(progressFile, String(next + 1));
  }
  await terminal.settle();
  say(`points ${points}`);
  terminal.close();
}

await main();
