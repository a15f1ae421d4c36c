/**
 * The real store under power cuts that tear its files, and with damaged files. A seed that fails is named
 * and can be run alone: MIDGE_SIM_SEED=n. `scripts/torn` runs thousands, and says what must hold.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { liveThroughDamage } from "./damaged-store.ts";
import { makeScratch } from "./scratch.ts";
import { liveThroughCuts } from "./torn-store.ts";

function seeds(): number[] {
  const only = process.env.MIDGE_SIM_SEED;
  if (only !== undefined) return [Number(only)];
  return Array.from({ length: 100 }, (_, index) => index + 1);
}

async function liveAll(
  t: TestContext,
  live: (seed: number, folder: string) => Promise<void>,
): Promise<void> {
  const base = makeScratch();
  t.after(() => rmSync(base, { recursive: true, force: true }));
  for (const seed of seeds()) {
    const folder = join(base, `${seed}`);
    mkdirSync(folder);
    try {
      await live(seed, folder);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    rmSync(folder, { recursive: true });
  }
}

test("whatever a power cut tears, all that was safe is there, and the rest in order or not at all", (t) =>
  liveAll(t, liveThroughCuts));

test("whatever is damaged, what stands in undamaged places is there, and nothing that nobody wrote", (t) =>
  liveAll(t, liveThroughDamage));
