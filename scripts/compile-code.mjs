// `node scripts/compile-code.mjs COMMAND [ARGUMENTS…]`: runs a command of the bundle and keeps what V8 compiled for it.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');
const { codeCachePath, loadChunk } = createRequire(import.meta.url)(join(dist, 'tools/chunk.cjs'));
const [name, ...parameters] = process.argv.slice(2);
const { module, script } = loadChunk(name, dist);
process.exitCode = await module.main(parameters);
writeFileSync(codeCachePath(name, dist), script.createCachedData());
