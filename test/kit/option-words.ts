/** Words on the command lines of scripts that run a tier of tests. */

/** What a seed may be at most, and whatever is counted. */
export const LARGEST = 0xffff_ffff;

/** Throws with what is wrong in words. */
export function wholeNumber(option: string, word: string): number {
  const number = Number(word);
  if (/^\d+$/.test(word) && number <= LARGEST) return number;
  throw new Error(`${option} takes a whole number, not "${word}"`);
}

/** Throws with what is wrong in words. */
export function oneOf<Word extends string>(
  option: string,
  word: string,
  words: readonly Word[],
): Word {
  const found = words.find((one) => one === word);
  if (found === undefined) throw new Error(`${option} takes ${words.join(" or ")}, not "${word}"`);
  return found;
}

/** A seed that differs from run to run. */
export function newSeed(): string {
  return String(Date.now() % LARGEST);
}

export function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
