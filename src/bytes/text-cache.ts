/**
 * Remembers the strings that byte sequences decode to, so that a topic name seen before costs a
 * hash and a comparison, and always yields the same string object (whose own hash is then known).
 */
import { decodeUtf8 } from "./utf8.ts";

interface Slot {
  readonly bytes: Uint8Array;
  readonly text: string;
}

export class TextCache {
  readonly #slots: (Slot | undefined)[];
  readonly #mask: number;
  readonly #longest: number;

  /** `size` slots, a power of two; texts over `longest` bytes are not kept. */
  constructor(size = 4096, longest = 256) {
    this.#slots = new Array(size).fill(undefined);
    this.#mask = size - 1;
    this.#longest = longest;
  }

  /** As decodeUtf8: undefined where MQTT forbids the text. */
  read(bytes: Uint8Array, start: number, end: number): string | undefined {
    const count = end - start;
    if (count > this.#longest) return decodeUtf8(bytes, start, end);
    let hash = count;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
    const index = (hash ^ (hash >>> 15)) & this.#mask;
    const slot = this.#slots[index];
    if (slot !== undefined && slot.bytes.length === count) {
      const known = slot.bytes;
      let at = 0;
      while (at < count && known[at] === bytes[start + at]) at++;
      if (at === count) return slot.text;
    }
    const text = decodeUtf8(bytes, start, end);
    if (text !== undefined) this.#slots[index] = { bytes: bytes.slice(start, end), text };
    return text;
  }
}
