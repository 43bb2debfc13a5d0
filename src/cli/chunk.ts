import { existsSync, readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** A command's chunk: parses its arguments, does its work, answers with the exit code. */
export interface CommandModule {
  main(argv: readonly string[]): Promise<number>;
}

/** A chunk that was loaded, and what V8 made of its text. */
export interface LoadedChunk {
  readonly module: CommandModule;
  readonly script: Script;
}

/**
 * Loads the chunk of a command from the bundle, with the code that V8 compiled when the bundle was built: compiling
 * takes longer than most commands. V8 itself refuses code of another version, and compiles then.
 * @param bundle the folder of the bundle
 */
export function loadChunk(name: string, bundle: string = import.meta.dirname): LoadedChunk {
  const file = join(bundle, 'commands', `${name}.cjs`);
  const cache = codeCachePath(name, bundle);
  const script = new Script(Module.wrap(readFileSync(file, 'latin1')), {
    filename: file,
    ...(existsSync(cache) ? { cachedData: readFileSync(cache) } : {}),
  });
  const chunk = { exports: {} as CommandModule };
  const run = script.runInThisContext() as (...scope: unknown[]) => void;
  run.call(chunk.exports, chunk.exports, createRequire(file), chunk, file, dirname(file));
  return { module: chunk.exports, script };
}

/** Where the compiled code of a chunk lies. */
export function codeCachePath(name: string, bundle: string): string {
  return join(bundle, 'commands', `${name}.code`);
}
