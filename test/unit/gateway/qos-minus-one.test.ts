/** PUBLISH of QoS -1 (MQTT-SN 1.2 §6.8). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { Stand } from "./stand.ts";

const predefinedTopics = [
  { id: 7, name: "all" },
  { id: 7, name: "own", node: "n" },
];

test("MQTT-SN 1.2 §6.8: QoS -1 is published from anyone on predefined and short topics, unanswered, without a session", () => {
  const stand = new Stand({ predefinedTopics });
  const sender = stand.at("x");
  assert.deepEqual(sender.publish(7, "1", -1, { topicIdType: "predefined", retain: true }), []);
  assert.deepEqual(sender.publish(0x6162, "2", -1, { topicIdType: "short" }), []);
  assert.deepEqual(stand.door.published, [
    { clientId: "midge-qos-minus-one", topic: "all", payload: "1", qos: 0, retain: true },
    { clientId: "midge-qos-minus-one", topic: "ab", payload: "2", qos: 0, retain: false },
  ]);
  assert.deepEqual([...stand.door.sessions.keys()], ["midge-qos-minus-one"]);
  assert.equal(stand.door.openings[0]?.persistent, false);
});

test("decisions: QoS -1: QoS -1 under a normal id, an unknown predefined one or a bad short name is dropped unanswered", () => {
  const stand = new Stand({ predefinedTopics });
  const sender = stand.at("x");
  assert.deepEqual(sender.publish(1, "1", -1), []);
  assert.deepEqual(sender.publish(8, "1", -1, { topicIdType: "predefined" }), []);
  assert.deepEqual(sender.publish(0x2b2b, "1", -1, { topicIdType: "short" }), []);
  assert.deepEqual(stand.door.published, []);
});

test("QoS -1 can be denied", () => {
  const stand = new Stand({ qosMinusOne: "deny" });
  assert.deepEqual(stand.at("x").publish(0x6162, "2", -1, { topicIdType: "short" }), []);
  assert.deepEqual(stand.door.published, []);
});

test("decisions: QoS -1: the identity is configurable, and entered again when it was taken away", () => {
  const stand = new Stand({ qosMinusOneClientId: "strangers" });
  const sender = stand.at("x");
  sender.publish(0x6162, "1", -1, { topicIdType: "short" });
  stand.door.evict("strangers", Reason.sessionTakenOver);
  sender.publish(0x6162, "2", -1, { topicIdType: "short" });
  assert.deepEqual(
    stand.door.published.map(({ clientId, payload }) => [clientId, payload]),
    [
      ["strangers", "1"],
      ["strangers", "2"],
    ],
  );
});

test("from a connected node QoS -1 is published as that node, with its own ids, unanswered", () => {
  const stand = new Stand({ predefinedTopics });
  const node = stand.node("n");
  assert.deepEqual(node.publish(7, "1", -1, { topicIdType: "predefined" }), []);
  stand.door.refusePublish = Reason.notAuthorized;
  assert.deepEqual(node.publish(7, "1", -1, { topicIdType: "predefined" }), []);
  assert.deepEqual(
    stand.door.published.map(({ clientId, topic }) => [clientId, topic]),
    [["n", "own"]],
  );
});
