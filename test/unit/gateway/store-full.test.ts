/** While the disk takes nothing nodes are answered all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ReturnCode } from "../../../src/mqttsn/packets.ts";
import { Stand, text } from "./stand.ts";

test("REGISTER and SUBSCRIBE wait for the disk, but not for one that takes nothing", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  stand.journal.slow = true;
  assert.deepEqual(node.register("a/long/topic"), []);
  assert.deepEqual(node.subscribe("b/long/topic", 1), []);
  stand.journal.full = true;
  const [regack] = node.register("another/topic");
  assert.equal(regack?.kind === "regack" && regack.returnCode, ReturnCode.accepted);
  const [suback] = node.subscribe("third/topic", 1);
  assert.equal(suback?.kind === "suback" && suback.returnCode, ReturnCode.accepted);
  stand.door.publish("third/topic", "to the node", 0);
  const [publish] = node.take();
  assert.equal(publish?.kind === "publish" && text(publish.payload), "to the node");
});

test("what a node waited for when the disk gave up it gets when it asks again", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  stand.journal.slow = true;
  assert.deepEqual(node.register("a/long/topic"), []);
  stand.journal.full = true;
  const [regack] = node.register("a/long/topic");
  assert.equal(regack?.kind === "regack" && regack.returnCode, ReturnCode.accepted);
});
