/** Fills data up to whole blocks with zeros (ISO/IEC 9797-1, padding method 1); empty data stay empty. */
export function zeroFilled(data: Uint8Array, block: number): Uint8Array {
  const filled = new Uint8Array(Math.ceil(data.length / block) * block);
  filled.set(data);
  return filled;
}
