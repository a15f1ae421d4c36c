/** What scripts that compare ledgers have in common: a folder for the run, and what they tell of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { tell } from "../option-words.ts";

export interface LedgerOutcome {
  readonly faults: readonly string[];
  /** Of the first faults. */
  readonly packets: readonly string[];
  readonly summary: string;
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
