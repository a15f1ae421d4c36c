/** scripts/torn: many stores that power cuts and bad cards happen to, and a line for each that went wrong. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tell } from "../../test/kit/option-words.ts";
import { liveThroughDamage } from "../../test/sim/store/damaged-store.ts";
import { makeScratch } from "../../test/sim/store/scratch.ts";
import { liveThroughCuts } from "../../test/sim/store/torn-store.ts";
import { type Seeds, seedsOf } from "./seeds.ts";

const HELP = `Usage: scripts/torn [OPTIONS]

Lets one store live through power cuts, and damages another, for each seed, and checks what must hold
afterwards; see the head of scripts/torn. Exit code 1 if anything did not.

  --seeds N      so many seeds (10000)
  --from SEED    begin with this one (1)
  --seed SEED    this one alone
  --help         print this text
`;

/** More do not help to find out why. */
const MOST_FAILURES = 20;
const PROGRESS = 30_000;
const STORIES = { cut: liveThroughCuts, damaged: liveThroughDamage } as const;

/** Answers how many stores went wrong. */
async function run({ first, count }: Seeds): Promise<number> {
  const began = performance.now();
  const base = makeScratch();
  let told = began;
  let failures = 0;
  for (let done = 0; done < count && failures < MOST_FAILURES; done++) {
    for (const [story, live] of Object.entries(STORIES)) {
      const folder = join(base, `${first + done}-${story}`);
      mkdirSync(folder);
      try {
        await live(first + done, folder);
        rmSync(folder, { recursive: true });
      } catch (error) {
        failures++;
        tell(
          `seed ${first + done}, ${story}: ${(error as Error).message}; its files are in ${folder}`,
        );
      }
    }
    if (performance.now() - told < PROGRESS) continue;
    told = performance.now();
    process.stderr.write(`${done + 1} of ${count} seeds, ${failures} failures\n`);
  }
  if (failures === 0) rmSync(base, { recursive: true });
  const seconds = Math.round((performance.now() - began) / 1000);
  tell(`${count} seeds, ${count * 2} stores in ${seconds} s: ${failures} failures`);
  return failures;
}

try {
  const seeds = seedsOf(process.argv.slice(2));
  if (seeds === undefined) process.stdout.write(HELP);
  else if ((await run(seeds)) > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`scripts/torn: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
