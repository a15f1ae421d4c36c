/** PUBLISH by nodes (MQTT-SN 1.2 §6.6, §6.7). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { Stand } from "../../unit/gateway/stand.ts";

const SHORT_AB = 0x6162;

function publisher(stand: Stand) {
  const node = stand.node("n", { clean: false });
  node.register("t");
  return node;
}

test("MQTT-SN 1.2 §6.6: QoS 0 is published and not answered", () => {
  const stand = new Stand();
  assert.deepEqual(publisher(stand).publish(1, "x"), []);
  assert.deepEqual(stand.door.published, [
    { clientId: "n", topic: "t", payload: "x", qos: 0, retain: false },
  ]);
});

test("MQTT-SN 1.2 §6.6: QoS 1 is published and acknowledged by PUBACK with its TopicId and MsgId", () => {
  const stand = new Stand();
  assert.deepEqual(publisher(stand).publish(1, "x", 1, { messageId: 77, retain: true }), [
    { kind: "puback", topicId: 1, messageId: 77, returnCode: 0 },
  ]);
  assert.deepEqual(stand.door.published, [
    { clientId: "n", topic: "t", payload: "x", qos: 1, retain: true },
  ]);
});

test("MQTT-SN 1.2 §6.6: QoS 2 goes by PUBREC, PUBREL and PUBCOMP", () => {
  const stand = new Stand();
  const node = publisher(stand);
  assert.deepEqual(node.publish(1, "x", 2, { messageId: 9 }), [{ kind: "pubrec", messageId: 9 }]);
  node.say({ kind: "pubrel", messageId: 9 });
  assert.deepEqual(node.take(), [{ kind: "pubcomp", messageId: 9 }]);
  assert.equal(stand.door.published.length, 1);
});

test("decisions: Duplicates: a QoS 2 duplicate before its release is answered by PUBREC again and not published twice", () => {
  const stand = new Stand();
  const node = publisher(stand);
  node.publish(1, "x", 2, { messageId: 9 });
  assert.deepEqual(node.publish(1, "x", 2, { messageId: 9, dup: true }), [
    { kind: "pubrec", messageId: 9 },
  ]);
  assert.equal(stand.door.published.length, 1);
});

test("a QoS 2 duplicate after a reconnect without clean session is not published twice", () => {
  const stand = new Stand();
  const node = publisher(stand);
  node.publish(1, "x", 2, { messageId: 9 });
  node.connect("n", { clean: false });
  assert.deepEqual(node.publish(1, "x", 2, { messageId: 9, dup: true }), [
    { kind: "pubrec", messageId: 9 },
  ]);
  assert.equal(stand.door.published.length, 1);
});

test("decisions: Duplicates: PUBREL again is answered by PUBCOMP again, and so is an unknown one", () => {
  const stand = new Stand();
  const node = publisher(stand);
  for (const messageId of [9, 9, 1234]) {
    node.say({ kind: "pubrel", messageId });
    assert.deepEqual(node.take(), [{ kind: "pubcomp", messageId }]);
  }
});

test("decisions: Duplicates: QoS 1 with DUP is acknowledged and published again, as MQTT does", () => {
  const stand = new Stand();
  const node = publisher(stand);
  node.publish(1, "x", 1, { messageId: 5 });
  assert.equal(node.publish(1, "x", 1, { messageId: 5, dup: true })[0]?.kind, "puback");
  assert.equal(stand.door.published.length, 2);
});

test("decisions: MsgId 0: MsgId 0 with QoS 1 and 2 is an id as any", () => {
  const stand = new Stand();
  const node = publisher(stand);
  assert.deepEqual(node.publish(1, "x", 1, { messageId: 0 }), [
    { kind: "puback", topicId: 1, messageId: 0, returnCode: 0 },
  ]);
  assert.deepEqual(node.publish(1, "x", 2, { messageId: 0 }), [{ kind: "pubrec", messageId: 0 }]);
});

test("decisions: MsgId 0: QoS 0 with a MsgId is accepted", () => {
  const stand = new Stand();
  assert.deepEqual(publisher(stand).publish(1, "x", 0, { messageId: 7 }), []);
  assert.equal(stand.door.published.length, 1);
});

test("MQTT-SN 1.2 §6.6: an unknown id is answered by PUBACK invalid topic id at every QoS, and the session stays", () => {
  const stand = new Stand();
  const node = publisher(stand);
  for (const qos of [0, 1, 2] as const) {
    assert.deepEqual(node.publish(42, "x", qos, { messageId: 3 }), [
      { kind: "puback", topicId: 42, messageId: 3, returnCode: 2 },
    ]);
  }
  assert.equal(stand.state("n"), "active");
  assert.deepEqual(node.ping(), [{ kind: "pingresp" }]);
});

test("MQTT-SN 1.2 §6.7: predefined ids need no registration; a node's own win over those for all", () => {
  const predefinedTopics = [
    { id: 7, name: "all" },
    { id: 7, name: "mine", node: "n" },
    { id: 8, name: "both" },
  ];
  const stand = new Stand({ predefinedTopics });
  stand.node("n").publish(7, "x", 0, { topicIdType: "predefined" });
  stand.node("n").publish(8, "x", 0, { topicIdType: "predefined" });
  stand.node("m").publish(7, "x", 0, { topicIdType: "predefined" });
  assert.deepEqual(
    stand.door.published.map(({ topic }) => topic),
    ["mine", "both", "all"],
  );
});

test("MQTT-SN 1.2 §6.7: an unknown predefined id is answered by PUBACK invalid topic id", () => {
  const stand = new Stand();
  const node = publisher(stand);
  assert.deepEqual(node.publish(1, "x", 0, { topicIdType: "predefined" }), [
    { kind: "puback", topicId: 1, messageId: 0, returnCode: 2 },
  ]);
});

test("decisions: PUBLISH with unknown id: a normal id is none of the predefined ones", () => {
  const stand = new Stand({ predefinedTopics: [{ id: 7, name: "all" }] });
  assert.equal(publisher(stand).publish(7, "x")[0]?.kind, "puback");
});

test("MQTT-SN 1.2 §6.7: short topic names stand in the TopicId", () => {
  const stand = new Stand();
  stand.node("n").publish(SHORT_AB, "x", 0, { topicIdType: "short" });
  assert.equal(stand.door.published[0]?.topic, "ab");
});

test("short topic names with a wildcard or no text are invalid", () => {
  const stand = new Stand();
  const node = stand.node("n");
  for (const topicId of [0x612b, 0x2361, 0x6100, 0xff61]) {
    const [puback] = node.publish(topicId, "x", 0, { topicIdType: "short" });
    assert.equal(puback?.kind === "puback" && puback.returnCode, 2);
  }
  assert.deepEqual(stand.door.published, []);
});

test("the payload may be empty", () => {
  const stand = new Stand();
  publisher(stand).publish(1, "", 1);
  assert.equal(stand.door.published[0]?.payload, "");
});

test("decisions: Acknowledgement to the node: custody: PUBACK and PUBREC wait until the message is safe", () => {
  const stand = new Stand();
  const node = publisher(stand);
  stand.door.pending = true;
  assert.deepEqual(node.publish(1, "x", 1, { messageId: 5 }), []);
  assert.deepEqual(node.publish(1, "y", 2, { messageId: 6 }), []);
  stand.door.settle();
  assert.deepEqual(node.take(), [
    { kind: "puback", topicId: 1, messageId: 5, returnCode: 0 },
    { kind: "pubrec", messageId: 6 },
  ]);
});

test("decisions: Acknowledgement to the node: custody: a repetition meanwhile is neither published again nor answered twice", () => {
  const stand = new Stand();
  const node = publisher(stand);
  stand.door.pending = true;
  for (const qos of [1, 2] as const) {
    node.publish(1, "x", qos, { messageId: qos });
    assert.deepEqual(node.publish(1, "x", qos, { messageId: qos, dup: true }), []);
  }
  stand.door.settle();
  assert.deepEqual(node.kinds(), ["puback", "pubrec"]);
  assert.equal(stand.door.published.length, 2);
});

test("custody: an answer that comes when the node has gone goes nowhere", () => {
  const stand = new Stand();
  const node = publisher(stand);
  stand.door.pending = true;
  node.publish(1, "x", 1);
  node.disconnect();
  stand.door.settle();
  assert.deepEqual(node.take(), []);
});

test("custody: a node that sleeps meanwhile is still answered", () => {
  const stand = new Stand();
  const node = publisher(stand);
  stand.door.pending = true;
  node.publish(1, "x", 1);
  node.disconnect(60);
  stand.door.settle();
  assert.deepEqual(node.kinds(), ["puback"]);
});

test("decisions: Congestion: more publishes waiting than allowed are congestion", () => {
  const stand = new Stand({ maxPending: 2 });
  const node = publisher(stand);
  stand.door.pending = true;
  node.publish(1, "x", 1, { messageId: 1 });
  node.publish(1, "x", 1, { messageId: 2 });
  assert.deepEqual(node.publish(1, "x", 1, { messageId: 3 }), [
    { kind: "puback", topicId: 1, messageId: 3, returnCode: 1 },
  ]);
  assert.equal(stand.door.published.length, 2);
});

test("a refusal by the broker is answered by PUBACK at every QoS", () => {
  const stand = new Stand();
  const node = publisher(stand);
  stand.door.refusePublish = Reason.notAuthorized;
  for (const qos of [0, 1, 2] as const) {
    const [puback] = node.publish(1, "x", qos);
    assert.equal(puback?.kind === "puback" && puback.returnCode, 3);
  }
  stand.door.refusePublish = Reason.quotaExceeded;
  const [puback] = node.publish(1, "x", 1);
  assert.equal(puback?.kind === "puback" && puback.returnCode, 1);
  assert.equal(stand.logged(/may not publish on "t"/, "warn"), 1);
});
