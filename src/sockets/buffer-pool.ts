/**
 * Output buffers for reuse: a connection holds one only while it has something to write, so that ten
 * thousand idle connections hold none.
 */

const SMALLEST = 4096;
const LARGEST = 65536;
const POOL_BYTES = 4 * 1024 * 1024;

const free: Uint8Array<ArrayBuffer>[] = [];
let freeBytes = 0;

/** A buffer of at least 4 kB with arbitrary content. */
export function takeBuffer(): Uint8Array<ArrayBuffer> {
  const buffer = free.pop();
  if (buffer === undefined) return new Uint8Array(SMALLEST);
  freeBytes -= buffer.length;
  return buffer;
}

/** Returns a buffer that nobody reads or writes any more. */
export function giveBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  const { length } = buffer;
  if (length < SMALLEST || length > LARGEST || freeBytes + length > POOL_BYTES) return;
  free.push(buffer);
  freeBytes += length;
}
