import { concat } from '../../../src/platform/bytes.ts';
import { encodeTlv, parseTlv } from '../../../src/tlv/ber.ts';
import { answer, type Command, SW, status } from './apdu.ts';
import { type Chip, selectedIn } from './chip.ts';
import { splitDolData } from './profile.ts';
import { quickProcessing } from './qvsdc.ts';

const LAST_ATC = 0xffff;

/** GET PROCESSING OPTIONS: starts a transaction and counts it, whatever becomes of it. */
export function getProcessingOptions(chip: Chip, command: Command): Uint8Array {
  if (command.p1 !== 0 || command.p2 !== 0) return status(SW.wrongP1P2);
  const selected = selectedIn(chip, 'selected');
  if (selected === undefined) return status(SW.conditionsNotSatisfied);
  const { application, memory } = selected;
  if (memory.blocked || memory.atc >= LAST_ATC) return status(SW.conditionsNotSatisfied);
  const parsed = parseTlv(command.data);
  const [template, ...rest] = parsed.ok ? parsed.items : [];
  if (template?.tag !== 0x83 || rest.length > 0) return status(SW.wrongData);
  if (template.value.length !== application.pdol.length) return status(SW.wrongLength);
  const { session } = chip;
  session.pdolData = template.value.slice();
  memory.waitsForIssuer = undefined;
  session.arqc = undefined;
  splitDolData(application.pdol, template.value, session.terminal);
  if (application.file.profile === 'qvsdc') return quickProcessing(chip, selected);
  memory.atc++;
  session.phase = 'initiated';
  return answer(
    application.file.responseFormat === 1
      ? encodeTlv(0x80, concat(application.file.aip, application.afl))
      : encodeTlv(0x77, [encodeTlv(0x82, application.file.aip), encodeTlv(0x94, application.afl)]),
  );
}
