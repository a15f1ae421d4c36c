/**
 * Output buffers for reuse: a connection holds one only while it has something to write, so that ten
 * thousand idle connections hold none. They come in sizes, since thousands of small answers written
 * in one turn should touch little memory, and one large delivery should not grow its buffer anew.
 */

const SMALLEST = 512;
const LARGEST = 65536;
const POOL_BYTES = 8 * 1024 * 1024;

/** By size: `SMALLEST` doubled as often as the index says. */
const free: Uint8Array<ArrayBuffer>[][] = [];
for (let size = SMALLEST; size <= LARGEST; size *= 2) free.push([]);
let freeBytes = 0;

/** A buffer with arbitrary content, of at least `size` bytes or the largest kept here. */
export function takeBuffer(size: number): Uint8Array<ArrayBuffer> {
  let length = SMALLEST;
  let index = 0;
  while (length < size && length < LARGEST) {
    length *= 2;
    index++;
  }
  const buffer = (free[index] as Uint8Array<ArrayBuffer>[]).pop();
  if (buffer === undefined) return new Uint8Array(length);
  freeBytes -= length;
  return buffer;
}

/** Returns a buffer that nobody reads or writes any more. */
export function giveBuffer(buffer: Uint8Array<ArrayBuffer>): void {
  const { length } = buffer;
  if (length < SMALLEST || length > LARGEST || freeBytes + length > POOL_BYTES) return;
  const index = 31 - Math.clz32(length / SMALLEST);
  // One that grew to fit a packet is of no size of ours.
  if (SMALLEST << index !== length) return;
  (free[index] as Uint8Array<ArrayBuffer>[]).push(buffer);
  freeBytes += length;
}
