/** What scripts that compare ledgers have in common: a folder for the run, and what they tell of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export interface LedgerOutcome {
  readonly faults: readonly string[];
  /** Of the first faults. */
  readonly packets: readonly string[];
  readonly summary: string;
}

const LARGEST = 0xffff_ffff;

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

/** Runs it and tells how it went; answers the exit code. What it leaves is kept if it went wrong. */
export async function runLedgers(
  name: string,
  keep: boolean,
  run: (t: TestContext, folder: string) => Promise<LedgerOutcome>,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), `midge-${name}-`));
  const endings: (() => unknown)[] = [];
  const context = { after: (ending: () => unknown) => endings.unshift(ending) };
  let isWrong = true;
  try {
    const { faults, packets, summary } = await run(context as unknown as TestContext, folder);
    for (const line of [summary, ...faults.map((fault) => `WRONG  ${fault}`), ...packets])
      tell(line);
    isWrong = faults.length > 0;
    if (!isWrong) tell("nothing was found");
  } finally {
    for (const ending of endings) await ending();
    if (isWrong || keep) tell(`packets, logs and data are in ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
  return isWrong ? 1 : 0;
}
