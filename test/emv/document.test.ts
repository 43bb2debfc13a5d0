import { describe, expect, it } from 'vitest';
import { emvDocument } from '../../src/emv/document.ts';
import { contactAnswers, READ, record, scriptedCard, VERIFY } from './support/card.ts';
import { pins, run } from './support/world.ts';

const FOREIGN = '4111111111111111';
const foreignCard = () =>
  scriptedCard(
    contactAnswers({
      [READ]: record({
        '5A': FOREIGN,
        '57': `${FOREIGN}D30122011143804400000F`,
        '8E': '00000000000000000100',
      }),
      [VERIFY]: '9000',
    }),
  );

describe('the document of a card that is no test card', () => {
  it('shows neither PAN nor track nor PIN', async () => {
    const { result, record: kept } = await run(foreignCard(), { services: { pin: pins('entered') } });
    const text = JSON.stringify(emvDocument(result, kept));
    expect(text).not.toContain(FOREIGN);
    expect(text).not.toContain('1143804400000');
    expect(text).not.toContain('241234');
    expect(emvDocument(result, kept).objects['5A']).toBe('411111FFFFFF1111');
  });
});
