/** scripts/sim: many lives of the simulated world, and a line for each in which something was wrong. */

import { tell } from "../../test/kit/option-words.ts";
import { faultsOf, live, remainsOf } from "../../test/sim/story.ts";
import { type Seeds, seedsOf } from "./seeds.ts";

const HELP = `Usage: scripts/sim [OPTIONS]

Lives through a simulated minute of trouble for each seed, once without and once with power cuts,
and checks what must hold afterwards; see the head of scripts/sim. Exit code 1 if anything did not.

  --seeds N      so many seeds (10000)
  --from SEED    begin with this one (1)
  --seed SEED    this one alone
  --help         print this text
`;

/** More do not help to find out why. */
const MOST_FAILURES = 20;
const PROGRESS = 30_000;

/** Answers how many lives went wrong. */
function run({ first, count }: Seeds): number {
  const began = performance.now();
  let told = began;
  let failures = 0;
  for (let done = 0; done < count; done++) {
    const seed = first + done;
    for (const powerCuts of [false, true]) {
      const faults = problemsOf(seed, powerCuts);
      if (faults.length === 0) continue;
      failures++;
      tell(`seed ${seed}, ${powerCuts ? "with" : "without"} power cuts: ${faults.join("; ")}`);
      if (failures >= MOST_FAILURES) return failures;
    }
    if (performance.now() - told < PROGRESS) continue;
    told = performance.now();
    process.stderr.write(`${done + 1} of ${count} seeds, ${failures} failures\n`);
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  tell(`${count} seeds, ${count * 2} lives in ${seconds} s: ${failures} failures`);
  return failures;
}

function problemsOf(seed: number, powerCuts: boolean): string[] {
  try {
    const world = live(seed, { powerCuts });
    return [...faultsOf(world), ...remainsOf(world)];
  } catch (error) {
    return [String((error as Error).stack)];
  }
}

try {
  const seeds = seedsOf(process.argv.slice(2));
  if (seeds === undefined) process.stdout.write(HELP);
  else if (run(seeds) > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`scripts/sim: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
