/** scripts/bridge-soak: a bridge over a bad network, and whether everything comes through. */
import { parseArgs } from "node:util";
import { BridgeStory } from "../../test/kit/ledger/bridge-story.ts";
import { runLedgers } from "../../test/kit/ledger/ledger-run.ts";
import { newSeed, oneOf, tell, wholeNumber } from "../../test/kit/option-words.ts";

const HELP = `Usage: scripts/bridge-soak [OPTIONS]

Has a Midge bridge to another broker over a bad network and compares ledgers; see the head of
scripts/bridge-soak. Exit code 1 if anything was not as it must be; then packets, logs and data are
kept in a folder.

  --seconds N      for so long (300)
  --seed N         what is random follows from it (a new one each time)
  --remote WHAT    mosquitto or midge: the broker at the other end (mosquitto)
  --protocol WHAT  mqttv311 or mqttv50: what the bridge speaks (mqttv311)
  --keep           keep packets, logs and data in any case
  --help           print this text
`;

function wordsOf(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "300" },
      seed: { type: "string", default: newSeed() },
      remote: { type: "string", default: "mosquitto" },
      protocol: { type: "string", default: "mqttv311" },
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
    seconds: wholeNumber("--seconds", words.seconds),
    seed: wholeNumber("--seed", words.seed),
    remote: oneOf("--remote", words.remote, ["mosquitto", "midge"]),
    protocol: oneOf("--protocol", words.protocol, ["mqttv311", "mqttv50"]),
    tell,
  };
  tell(`seed ${settings.seed}`);
  return runLedgers("bridge-soak", words.keep, (t, folder) =>
    new BridgeStory(t, { ...settings, folder }).run(),
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`scripts/bridge-soak: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
