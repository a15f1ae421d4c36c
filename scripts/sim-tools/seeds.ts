/** The options of scripts that live through something for many seeds. */
import { parseArgs } from "node:util";

const DEFAULT_SEEDS = 10_000;
const LARGEST = 0xffff_ffff;

export interface Seeds {
  readonly first: number;
  readonly count: number;
}

/** Undefined where help is wanted. Throws with what is wrong in words. */
export function seedsOf(words: readonly string[]): Seeds | undefined {
  const { seeds, from, seed, help } = parseArgs({
    args: [...words],
    options: {
      seeds: { type: "string" },
      from: { type: "string" },
      seed: { type: "string" },
      help: { type: "boolean" },
    },
  }).values;
  if (help === true) return undefined;
  if (seed !== undefined) return { first: wholeNumber("--seed", seed), count: 1 };
  return {
    first: from === undefined ? 1 : wholeNumber("--from", from),
    count: seeds === undefined ? DEFAULT_SEEDS : wholeNumber("--seeds", seeds),
  };
}

function wholeNumber(option: string, word: string): number {
  const number = Number(word);
  if (/^\d+$/.test(word) && number <= LARGEST) return number;
  throw new Error(`${option} takes a whole number, not "${word}"`);
}
