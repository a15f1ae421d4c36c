/**
 * Node ↔ gateway ↔ broker ↔ bridge ↔ cloud under loss, duplication, reordering, address changes, a
 * breaking uplink and power cuts: nothing that was acknowledged is lost. A seed that fails is named
 * and can be run alone: MIDGE_SIM_SEED=n. `scripts/sim` runs thousands.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOf, live, remainsOf } from "./story.ts";

function seeds(): number[] {
  const only = process.env.MIDGE_SIM_SEED;
  if (only !== undefined) return [Number(only)];
  return Array.from({ length: 60 }, (_, index) => index + 1);
}

for (const powerCuts of [false, true]) {
  const what = powerCuts ? "power cuts as well" : "loss, moves and a breaking uplink";
  test(`nothing is lost, doubled, out of order or left behind, through ${what}`, () => {
    for (const seed of seeds()) {
      const world = live(seed, { powerCuts });
      assert.deepEqual(faultsOf(world), [], `seed ${seed}`);
      assert.deepEqual(remainsOf(world), [], `seed ${seed}`);
    }
  });
}

test("a seed replays exactly", () => {
  const [first, second] = [live(7, { powerCuts: true }), live(7, { powerCuts: true })];
  assert.deepEqual(first.cloud.entries, second.cloud.entries);
  assert.deepEqual(
    first.nodes.map(({ commands }) => commands),
    second.nodes.map(({ commands }) => commands),
  );
});
