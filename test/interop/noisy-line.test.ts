/** A serial line that is full both ways while bytes on it become others; `scripts/soak` does it for long. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { makeFraming } from "../../src/links/framing/make-framing.ts";
import { LineNode } from "../kit/line-node.ts";
import { Noise } from "../kit/noise.ts";
import { mosquittoPub, startMidge, temporaryFolder } from "../kit/processes.ts";
import { PtyLine, until } from "../kit/pty-line.ts";
import { seededRandom } from "../kit/random.ts";
import { saturate } from "../kit/saturated-line.ts";

for (const burst of [1, 32]) {
  test(`with 1 % of the bytes changed, ${burst} at a time, what is acknowledged is at the subscriber as it was sent`, async (t) => {
    const { up, down, missing, forged } = await saturate(t, {
      framing: "slip-crc16",
      baudRate: 115_200,
      payloadSize: 32,
      share: 0.01,
      burst,
      duration: 3000,
      seed: 7,
    });
    assert.deepEqual([missing, forged, down.forged], [[], [], 0]);
    assert.ok(up.acknowledged > 0 && down.came > 0);
  });
}

test("messages of QoS 1 come to a node over a noisy line, in order", async (t) => {
  const port = join(temporaryFolder(t), "ttyTEST0");
  const line = new PtyLine(t);
  await line.plugIn(port);
  const gateway = await startMidge(t, {
    more: `[[link]]\ntype = "serial"\npath = ${JSON.stringify(port)}\nframing = "slip-crc16"\nretry_interval = 0.1\nretry_limit = 50\n`,
  });
  await line.opened();
  const noise = new Noise({ share: 0.02, burst: 8, random: seededRandom(3) });
  const node = new LineNode({
    clientId: "n",
    framing: makeFraming("slip-crc16", { maximumFrame: 1024, gap: 100 }),
    send: (bytes) => line.send(noise.apply(bytes)),
    retryInterval: 100,
  });
  t.after(() => node.stop());
  line.receive = (bytes) => node.feed(noise.apply(bytes));
  assert.equal(await node.connect(), "accepted");
  assert.equal(await node.subscribe("down"), "accepted");
  const sent = Array.from({ length: 30 }, (_, at) => `down ${at} ${"x".repeat(60)}`);
  for (const message of sent) {
    await mosquittoPub(t, gateway.mqttPort, "-t", "down", "-m", message.slice(5), "-q", "1");
  }
  await until(() => new Set(node.messages).size === sent.length, "all messages");
  assert.deepEqual([...new Set(node.messages)], sent);
});
