/** scripts/kill: kills a Midge as often as asked for, and tells what was lost, doubled or left behind. */
import { parseArgs } from "node:util";
import { KillStory } from "../../test/kit/ledger/kill-story.ts";
import { runLedgers } from "../../test/kit/ledger/ledger-run.ts";
import { newSeed, oneOf, tell, wholeNumber } from "../../test/kit/option-words.ts";

const HELP = `Usage: scripts/kill [OPTIONS]

Kills a Midge again and again under load and compares ledgers; see the head of scripts/kill. Exit
code 1 if anything was not as it must be; then packets, logs and data are kept in a folder.

  --kills N      so often (200)
  --seed N       what is random follows from it (a new one each time)
  --mode MODE    strict or interval: the store's (strict)
  --keep         keep packets, logs and data in any case
  --help         print this text
`;

function wordsOf(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      kills: { type: "string", default: "200" },
      seed: { type: "string", default: newSeed() },
      mode: { type: "string", default: "strict" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
}

async function main(): Promise<number> {
  const words = wordsOf(process.argv.slice(2));
  if (words.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = {
    kills: wholeNumber("--kills", words.kills),
    seed: wholeNumber("--seed", words.seed),
    mode: oneOf("--mode", words.mode, ["strict", "interval"]),
    tell,
  };
  tell(`seed ${settings.seed}`);
  return runLedgers("kill", words.keep, (t, folder) =>
    new KillStory(t, { ...settings, folder }).run(),
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`scripts/kill: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
