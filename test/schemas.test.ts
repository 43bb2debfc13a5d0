import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cardJsonSchema } from '../devices/cards/schema.ts';
import { emvDocumentJsonSchema } from '../src/emv/document.ts';
import { hostJsonSchema } from '../src/host/config.ts';
import { profileJsonSchema } from '../src/iso8583/profile.ts';
import { scenarioJsonSchema } from '../src/scenario/schema.ts';
import { terminalJsonSchema } from '../src/terminal/config.ts';

const FOLDER = join(import.meta.dirname, '../emv-fixtures');

describe('the JSON Schemas in emv-fixtures', () => {
  it.each([
    ['card', cardJsonSchema],
    ['document', emvDocumentJsonSchema],
    ['host', hostJsonSchema],
    ['profile', profileJsonSchema],
    ['scenario', scenarioJsonSchema],
    ['terminal', terminalJsonSchema],
  ])('%s.schema.json is that of the code (POSSUM_UPDATE=1 writes it)', (name, schema) => {
    const file = join(FOLDER, `${name}.schema.json`);
    const text = `${JSON.stringify(schema(), undefined, 2)}\n`;
    if (process.env.POSSUM_UPDATE === '1') writeFileSync(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});
