/** A bridge over a network that cuts, stalls and trickles, for a while; `scripts/bridge-soak` does it for long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BridgeStory } from "../kit/ledger/bridge-story.ts";
import { temporaryFolder } from "../kit/processes.ts";

const SECONDS = 5;
const SEED = 1;

for (const [remote, protocol] of [
  ["mosquitto", "mqttv311"],
  ["midge", "mqttv50"],
] as const) {
  test(`a bridge to a ${remote} loses and doubles nothing over a bad network`, async (t) => {
    const tell = (line: string): void => t.diagnostic(line);
    const about = { seconds: SECONDS, seed: SEED, remote, protocol, tell };
    const { faults, packets } = await new BridgeStory(t, {
      ...about,
      folder: temporaryFolder(t),
    }).run();
    assert.deepEqual(faults, [], packets.join("\n"));
  });
}
