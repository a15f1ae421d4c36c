/** The options of scripts that live through something for many seeds. */
import { parseArgs } from "node:util";
import { wholeNumber } from "../../test/kit/option-words.ts";

const DEFAULT_SEEDS = 10_000;

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
