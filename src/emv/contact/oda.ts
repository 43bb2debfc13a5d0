import { findTlv, parseTlv } from '../../tlv/ber.ts';
import { dolHas } from '../../tlv/dol.ts';
import { internalAuthenticateCommand } from '../commands.ts';
import { answerDol, decide, end, faultOutcome, performed, raise, type Step, swText } from '../kernel.ts';
import type { PublicKey } from '../oda/certificates.ts';
import { type ChainInput, type ChainResult, iccKeyOf, issuerKeyOf, staticData } from '../oda/chain.ts';
import { iccDynamicNumber, verifySdad, verifySsad } from '../oda/signatures.ts';
import { TAG } from '../tags.ts';
import { TSI, TVR } from '../tvr.ts';
import { type ContactContext, selectedConfig } from './context.ts';

const SPEC = 'EMV 4.3 Book 3, 10.3';

const FAILED = { sda: TVR.sdaFailed, dda: TVR.ddaFailed, cda: TVR.cdaFailed } as const;

/**
 * Offline data authentication (Book 3, section 10.3): the strongest of CDA, DDA and SDA that both sides support.
 * For CDA only the card's key is recovered here; its signature comes with the cryptogram.
 */
export async function oda(context: ContactContext): Promise<Step> {
  context.oda = chooseMethod(context);
  if (context.oda === 'none') {
    raise(context, 'oda', TVR.odaNotPerformed, 'card and terminal have no method in common', SPEC);
    return 'continue';
  }
  decide(context, 'oda', 'Method', context.oda.toUpperCase(), SPEC);
  if (context.oda === 'sda') return sda(context);
  const key = cardKey(context);
  if (!key.ok) return failed(context, key);
  if (context.oda === 'dda') return dda(context, key.value);
  context.iccKey = key.value;
  decide(
    context,
    'oda',
    'ICC public key recovered',
    'CDA follows with the cryptogram',
    'EMV 4.3 Book 2, 6.6',
  );
  return 'continue';
}

function chooseMethod(context: ContactContext): ContactContext['oda'] {
  const aip = context.data.byte(TAG.aip, 0);
  const terminal = context.data.byte(TAG.terminalCapabilities, 2);
  if ((aip & 0x01) !== 0 && (terminal & 0x08) !== 0) return 'cda';
  if ((aip & 0x20) !== 0 && (terminal & 0x40) !== 0) return 'dda';
  if ((aip & 0x40) !== 0 && (terminal & 0x80) !== 0) return 'sda';
  return 'none';
}

/** What the certificates of this card are checked against. */
export function chainInput(context: ContactContext): ChainInput {
  return {
    data: context.data,
    config: context.services.config,
    dfName: selectedConfig(context).aid,
    pan: context.pan?.reveal() ?? '',
    dateYymmdd: context.parameters.dateYymmdd,
  };
}

function sda(context: ContactContext): Step {
  raise(context, 'oda', TVR.sdaSelected, 'SDA is the method in common', SPEC);
  const issuer = issuerKeyOf(chainInput(context));
  if (!issuer.ok) return failed(context, issuer);
  const ssad = context.data.get(TAG.ssad);
  if (ssad === undefined) return failed(context, { missing: true, reason: 'tag 93 is missing' });
  const signed = staticData(context.data, context.signed);
  if (!signed.ok) return failed(context, signed);
  const verified = verifySsad(issuer.value, ssad, signed.value);
  if (!verified.ok) return failed(context, { missing: false, reason: verified.reason });
  context.data.set(0x9f45, verified.value.dataAuthenticationCode);
  return succeeded(context, 'EMV 4.3 Book 2, 5.4');
}

function cardKey(context: ContactContext): ChainResult<PublicKey> {
  const input = chainInput(context);
  const issuer = issuerKeyOf(input);
  if (!issuer.ok) return issuer;
  const signed = staticData(context.data, context.signed);
  return signed.ok ? iccKeyOf(input, issuer.value, signed.value) : signed;
}

/** Dynamic data authentication with INTERNAL AUTHENTICATE (Book 2, section 6.5). */
async function dda(context: ContactContext, key: PublicKey): Promise<Step> {
  const ddol = context.data.get(TAG.ddol) ?? selectedConfig(context).defaultDdol;
  if (ddol === undefined || !dolHas(ddol, TAG.unpredictableNumber)) {
    return failed(context, { missing: false, reason: 'no DDOL asks for the unpredictable number' });
  }
  const built = answerDol(context, ddol);
  if (!built.ok) return end('CARD_ERROR', `DDOL: ${built.message}`);
  const answer = await context.card.send(internalAuthenticateCommand(built.value));
  if (answer.kind === 'fault') return faultOutcome(context, answer.fault);
  if (answer.sw !== 0x9000) return end('CARD_ERROR', `INTERNAL AUTHENTICATE gave ${swText(answer.sw)}`);
  const sdad = readSdad(answer.data);
  if (sdad === undefined) return end('CARD_ERROR', 'the answer to INTERNAL AUTHENTICATE is malformed');
  context.data.set(TAG.sdad, sdad);
  const verified = verifySdad(key, sdad, built.value);
  if (!verified.ok) return failed(context, { missing: false, reason: verified.reason });
  const number = iccDynamicNumber(verified.value);
  if (!number.ok) return failed(context, { missing: false, reason: number.reason });
  context.data.set(TAG.iccDynamicNumber, number.value);
  return succeeded(context, 'EMV 4.3 Book 2, 6.5');
}

/** Format 1: template 80 holds the signature; format 2: template 77 with 9F4B (Book 3, section 6.5.9.4). */
function readSdad(response: Uint8Array): Uint8Array | undefined {
  const parsed = parseTlv(response);
  if (!parsed.ok || parsed.items.length !== 1) return undefined;
  const [template] = parsed.items;
  if (template?.tag === TAG.responseFormat1) return template.value;
  if (template?.tag !== TAG.responseTemplate) return undefined;
  return findTlv(template.children ?? [], TAG.sdad)?.value;
}

function failed(
  context: ContactContext,
  { missing, reason }: { readonly missing: boolean; readonly reason: string },
): Step {
  const method = context.oda as keyof typeof FAILED;
  if (missing) raise(context, 'oda', TVR.iccDataMissing, reason, 'EMV 4.3 Book 3, 7.5');
  raise(context, 'oda', FAILED[method], reason, SPEC);
  performed(context, 'oda', TSI.oda, SPEC);
  return 'continue';
}

function succeeded(context: ContactContext, spec: string): Step {
  decide(context, 'oda', `${context.oda.toUpperCase()} succeeded`, 'the signature is genuine', spec);
  performed(context, 'oda', TSI.oda, SPEC);
  return 'continue';
}
