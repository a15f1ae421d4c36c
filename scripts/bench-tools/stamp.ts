/** What the load generator writes into the first octets of a payload, to time and to miss messages. */

/** Octets that a stamp takes. */
export const STAMP_LENGTH = 10;

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  writeU16(bytes, at, value >>> 16);
  writeU16(bytes, at + 2, value);
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((readU16(bytes, at) << 16) | readU16(bytes, at + 2)) >>> 0;
}

/**
 * Writes when a message was published, by which publisher, and how many that publisher had published
 * before. Times and counts are kept modulo 2^32.
 */
export function writeStamp(
  bytes: Uint8Array,
  at: number,
  time: number,
  publisher: number,
  sequence: number,
): void {
  writeU32(bytes, at, time);
  writeU32(bytes, at + 4, sequence);
  writeU16(bytes, at + 8, publisher);
}

export function stampTime(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at);
}

export function stampSequence(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4);
}

export function stampPublisher(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at + 8);
}
