/** The checksum CRC-32C (Castagnoli), as the PROXY protocol uses it. */

const REVERSED_POLYNOMIAL = 0x82f63b78;

/** For short input: it goes bit by bit. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? REVERSED_POLYNOMIAL : 0);
  }
  return ~crc >>> 0;
}
