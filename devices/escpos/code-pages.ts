/** Characters of printers: single-byte code pages, and GBK in Chinese mode. */

export type CodePageName = '437' | '858' | '1252';

/** Numbers of ESC t. */
export const CODE_PAGES: Readonly<Record<CodePageName, number>> = { '437': 0, '858': 19, '1252': 16 };

const UPPER: Readonly<Record<CodePageName, string>> = {
  '437':
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  '858':
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0',
  '1252':
    '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ' +
    String.fromCharCode(...Array.from({ length: 96 }, (_, index) => 0xa0 + index)),
};

/** The character of a byte, on a page that ESC t selects. */
export function characterOf(page: number, byte: number): string {
  if (byte < 0x80) return String.fromCharCode(byte);
  const name = (Object.keys(CODE_PAGES) as CodePageName[]).find((known) => CODE_PAGES[known] === page);
  return name === undefined ? '?' : UPPER[name].charAt(byte - 0x80);
}

/** The byte of a character; `undefined` when the page lacks it. */
export function byteOf(page: CodePageName, character: string): number | undefined {
  const code = character.codePointAt(0) as number;
  if (code >= 0x20 && code < 0x7f) return code;
  if (code < 0xa0) return undefined;
  const at = UPPER[page].indexOf(character);
  return at < 0 ? undefined : 0x80 + at;
}

let gbkCodes: ReadonlyMap<string, number> | undefined;

/** The two-byte GBK code of a character; `undefined` when it has none. */
export function gbkOf(character: string): number | undefined {
  gbkCodes ??= invertGbk();
  return gbkCodes.get(character);
}

/** The character of a two-byte code; `?` for one that is not assigned. */
export function gbkCharacter(lead: number, trail: number): string {
  const text = new TextDecoder('gbk').decode(Uint8Array.of(lead, trail));
  return text.length === 1 && text !== '\ufffd' ? text : '?';
}

export const isGbkLead = (byte: number) => byte >= 0x81 && byte <= 0xfe;

function invertGbk(): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  const decoder = new TextDecoder('gbk');
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      if (trail === 0x7f) continue;
      const text = decoder.decode(Uint8Array.of(lead, trail));
      if (text.length !== 1 || text === '\ufffd' || isPrivate(text)) continue;
      if (!codes.has(text)) codes.set(text, lead * 256 + trail);
    }
  }
  return codes;
}

function isPrivate(text: string): boolean {
  return text >= '\ue000' && text <= '\uf8ff';
}
