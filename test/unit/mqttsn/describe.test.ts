/** Messages in words. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { describeMessage, describeReturnCode } from "../../../src/mqttsn/describe.ts";
import { VECTORS } from "./vectors.ts";

it("every message has its name in front", () => {
  for (const { message } of VECTORS) {
    const name = message.kind.toUpperCase();
    assert.match(describeMessage(message), new RegExp(`^${name}($| \\(.+\\)$)`));
  }
});

it("a PUBLISH shows how its topic is named", () => {
  const publish = {
    kind: "publish",
    dup: true,
    qos: -1,
    retain: false,
    topicId: 0x6162,
    messageId: 3,
    payload: new Uint8Array(5),
  } as const;
  const told = (["normal", "predefined", "short"] as const).map((topicIdType) =>
    describeMessage({ ...publish, topicIdType }),
  );
  assert.deepEqual(told, [
    "PUBLISH (d1, q-1, r0, m3, id 24930, ... (5 bytes))",
    "PUBLISH (d1, q-1, r0, m3, predefined id 24930, ... (5 bytes))",
    "PUBLISH (d1, q-1, r0, m3, 'ab', ... (5 bytes))",
  ]);
});

it("return codes have names, and reserved ones their number", () => {
  assert.deepEqual([0, 1, 2, 3, 4].map(describeReturnCode), [
    "accepted",
    "congestion",
    "invalid topic id",
    "not supported",
    "return code 4",
  ]);
});
