/** XBee modules by their 64-bit address. */
import type { LinkAddress } from "../../seams/link.ts";

const LENGTH = 8;

export class XBeeAddress implements LinkAddress {
  /** Sixteen digits, as they are printed on the module. */
  readonly key: string;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes.slice(0, LENGTH);
    this.key = keyOf(this.bytes);
  }

  /** A module's address is burnt in. */
  get host(): string {
    return this.key;
  }

  static fromKey(key: string): XBeeAddress | undefined {
    if (!/^[0-9a-f]{16}$/.test(key)) return undefined;
    return new XBeeAddress(
      Uint8Array.from({ length: LENGTH }, (_, at) =>
        Number.parseInt(key.slice(at * 2, at * 2 + 2), 16),
      ),
    );
  }
}

/** Everyone. */
export const BROADCAST = new XBeeAddress(Uint8Array.of(0, 0, 0, 0, 0, 0, 0xff, 0xff));

export function keyOf(bytes: Uint8Array): string {
  let key = "";
  for (const byte of bytes) key += byte.toString(16).padStart(2, "0");
  return key;
}
