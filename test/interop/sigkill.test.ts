/**
 * Midge is killed again and again under load: everything that was acknowledged is there afterwards, and
 * QoS 2 comes once. MIDGE_KILLS=N kills N times instead of 5; `scripts/kill` does it for long.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KillStory } from "../kit/ledger/kill-story.ts";
import { temporaryFolder } from "../kit/processes.ts";

const KILLS = Number(process.env.MIDGE_KILLS ?? 5);
const SEED = 1;

test(`what was acknowledged survives ${KILLS} SIGKILLs under load, and QoS 2 comes once`, async (t) => {
  const tell = (line: string): void => t.diagnostic(line);
  const about = { kills: KILLS, seed: SEED, mode: "strict", tell } as const;
  const { faults, packets } = await new KillStory(t, {
    ...about,
    folder: temporaryFolder(t),
  }).run();
  assert.deepEqual(faults, [], packets.join("\n"));
});
