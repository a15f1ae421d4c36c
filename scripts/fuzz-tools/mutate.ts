/** Spoils bytes in the ways that decoders trip over. */
import type { Dice } from "./dice.ts";

const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe];

type Mutation = (bytes: Uint8Array, dice: Dice) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  // A bit flipped.
  (bytes, dice) => changed(bytes, dice, (byte) => byte ^ (1 << dice.below(8))),
  // A byte at an edge of its range.
  (bytes, dice) => changed(bytes, dice, () => dice.pick(EDGES)),
  // A length or a count that is one off.
  (bytes, dice) => changed(bytes, dice, (byte) => byte + (dice.chance(0.5) ? 1 : -1)),
  // Cut off.
  (bytes, dice) => bytes.slice(0, dice.below(bytes.length + 1)),
  // A piece left out.
  (bytes, dice) => {
    const at = dice.below(bytes.length + 1);
    return spliced(bytes, at, at + dice.below(4), new Uint8Array(0));
  },
  // A piece put in.
  (bytes, dice) => {
    const at = dice.below(bytes.length + 1);
    return spliced(bytes, at, at, dice.bytes(1 + dice.below(4)));
  },
  // A piece that comes twice.
  (bytes, dice) => {
    const at = dice.below(bytes.length + 1);
    return spliced(bytes, at, at, bytes.slice(at, at + dice.below(40)));
  },
  // A number of several bytes at an edge of its range.
  (bytes, dice) => {
    const at = dice.below(bytes.length + 1);
    const count = 2 + dice.below(3);
    return spliced(bytes, at, at + count, new Uint8Array(count).fill(dice.pick(EDGES)));
  },
];

/** `bytes` with one to three changes; the original stays. */
export function mutate(bytes: Uint8Array, dice: Dice): Uint8Array {
  let mutated = bytes;
  for (let count = 1 + dice.below(3); count > 0; count--) {
    mutated = dice.pick(MUTATIONS)(mutated, dice);
  }
  return mutated;
}

function changed(bytes: Uint8Array, dice: Dice, change: (byte: number) => number): Uint8Array {
  const copy = bytes.slice();
  const at = dice.below(copy.length);
  if (copy.length > 0) copy[at] = change(copy[at] as number);
  return copy;
}

function spliced(bytes: Uint8Array, from: number, to: number, piece: Uint8Array): Uint8Array {
  const end = Math.min(to, bytes.length);
  const result = new Uint8Array(from + piece.length + bytes.length - end);
  result.set(bytes.subarray(0, from));
  result.set(piece, from);
  result.set(bytes.subarray(end), from + piece.length);
  return result;
}
