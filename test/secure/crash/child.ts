import { existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openCore } from './terminal.ts';

/**
 * Takes keys and says each KSN, as a host would hear of it. Arguments: data folder, the statement at which the process
 * kills itself (0: never), and how many keys it takes.
 */
const [folder = '', killAt = '0', count = '0'] = process.argv.slice(2);
let statements = 0;
const isNew = !existsSync(join(folder, 'terminal.db'));
let isOpen = false;
const core = await openCore(folder, isNew, () => {
  if (isOpen && ++statements === Number(killAt)) process.kill(process.pid, 'SIGKILL');
});
isOpen = true;
for (let i = 0; i < Number(count); i++) {
  const sent = await core.take(i % 2 === 0, ({ ksn, mac }) => writeSync(1, `${ksn} ${mac}\n`));
  if (sent === undefined) break;
}
writeSync(1, `statements ${statements}\n`);
core.close();
