/** SUBSCRIBE and UNSUBSCRIBE (MQTT-SN 1.2 §6.9). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { Stand } from "../../unit/gateway/stand.ts";

function suback(topicId: number, qos: 0 | 1 | 2, returnCode = 0, messageId = 1) {
  return { kind: "suback", qos, topicId, messageId, returnCode };
}

test("MQTT-SN 1.2 §6.9: SUBSCRIBE to a name is answered by SUBACK with the id that PUBLISH will use", () => {
  const stand = new Stand();
  const node = stand.node("n");
  assert.deepEqual(node.subscribe("a/b", 1), [suback(1, 1)]);
  stand.door.publish("a/b", "x");
  const [publish] = node.take();
  assert.equal(publish?.kind === "publish" && publish.topicId, 1);
  assert.equal(publish?.kind === "publish" && publish.topicIdType, "normal");
});

test("decisions: SUBSCRIBE: the same filter twice gets the same id, and the QoS is updated", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.subscribe("a", 0);
  assert.deepEqual(node.subscribe("a", 2), [suback(1, 2, 0, 2)]);
  assert.deepEqual([...(stand.door.sessions.get("n")?.subscriptions ?? [])], [["a", 2]]);
});

test("MQTT-SN 1.2 §6.9: a wildcard is answered with id 0, and a name is registered when first published on", () => {
  const stand = new Stand();
  const node = stand.node("n");
  assert.deepEqual(node.subscribe("a/#", 1), [suback(0, 1)]);
  stand.door.publish("a/b", "x");
  assert.deepEqual(node.take(), [{ kind: "register", topicId: 1, messageId: 1, topicName: "a/b" }]);
});

test("a filter that is none is not supported", () => {
  const stand = new Stand();
  const node = stand.node("n");
  for (const filter of ["a/#/b", "a+", ""]) {
    const [answer] = node.subscribe(filter);
    assert.equal(answer?.kind === "suback" && answer.returnCode, 3);
  }
  assert.equal(stand.door.sessions.get("n")?.subscriptions.size, 0);
});

test("MQTT-SN 1.2 §6.9: predefined ids are subscribed to by their name and used in PUBLISH", () => {
  const stand = new Stand({ predefinedTopics: [{ id: 7, name: "all/x" }] });
  const node = stand.node("n");
  assert.deepEqual(node.subscribe({ type: "predefined", topicId: 7 }, 1), [suback(7, 1)]);
  stand.door.publish("all/x", "y");
  const [publish] = node.take();
  assert.equal(publish?.kind === "publish" && publish.topicIdType, "predefined");
  assert.equal(publish?.kind === "publish" && publish.topicId, 7);
});

test("decisions: SUBSCRIBE: an unknown predefined id is answered as invalid topic id", () => {
  const stand = new Stand();
  assert.deepEqual(stand.node("n").subscribe({ type: "predefined", topicId: 7 }), [
    suback(7, 0, 2),
  ]);
});

test("MQTT-SN 1.2 §6.9: short names are subscribed to and used in PUBLISH", () => {
  const stand = new Stand();
  const node = stand.node("n");
  assert.deepEqual(node.subscribe({ type: "short", name: "ab" }, 1), [suback(0, 1)]);
  stand.door.publish("ab", "y");
  const [publish] = node.take();
  assert.equal(publish?.kind === "publish" && publish.topicIdType, "short");
  assert.equal(publish?.kind === "publish" && publish.topicId, 0x6162);
});

test("MQTT-SN 1.2 §6.7: short names have no wildcards", () => {
  const stand = new Stand();
  const node = stand.node("n");
  for (const name of ["+/", "/#", "a+"]) {
    const [answer] = node.subscribe({ type: "short", name });
    assert.equal(answer?.kind === "suback" && answer.returnCode, 3);
  }
});

test("decisions: SUBSCRIBE: refused by access rules is not supported, refused for want of room is congestion", () => {
  const stand = new Stand();
  const node = stand.node("n");
  stand.door.refuseSubscribe = Reason.notAuthorized;
  assert.deepEqual(node.subscribe("a/#", 1), [suback(0, 0, 3)]);
  stand.door.refuseSubscribe = Reason.quotaExceeded;
  assert.deepEqual(node.subscribe("a/#", 1), [suback(0, 0, 1, 2)]);
});

test("decisions: SUBSCRIBE: QoS -1 asked for is granted as 0", () => {
  assert.deepEqual(new Stand().node("n").subscribe("a/#", -1), [suback(0, 0)]);
});

test("SUBACK waits until the subscription is durable, and retained messages wait with it", () => {
  const stand = new Stand();
  stand.door.publish("a", "kept", 1, true);
  const node = stand.node("n", { clean: false });
  stand.journal.slow = true;
  assert.deepEqual(node.subscribe("a", 1), []);
  stand.journal.commit();
  assert.deepEqual(node.kinds(), ["suback", "publish"]);
});

test("decisions: SUBSCRIBE: retained messages follow SUBACK", () => {
  const stand = new Stand();
  stand.door.publish("a", "kept", 1, true);
  const node = stand.node("n");
  const [first, second] = node.subscribe("a", 1);
  assert.equal(first?.kind, "suback");
  assert.equal(second?.kind === "publish" && second.retain, true);
});

test("retained messages under a wildcard are registered one by one", () => {
  const stand = new Stand();
  stand.door.publish("a/1", "one", 0, true);
  stand.door.publish("a/2", "two", 0, true);
  const node = stand.node("n");
  const [, register] = node.subscribe("a/+", 0);
  assert.equal(register?.kind === "register" && register.topicName, "a/1");
  const [publish, next] = node.regack(1);
  assert.equal(publish?.kind, "publish");
  assert.equal(next?.kind === "register" && next.topicName, "a/2");
  assert.deepEqual(
    node.regack(2).map((message) => message.kind),
    ["publish"],
  );
});

test("MQTT-SN 1.2 §6.9: UNSUBSCRIBE by name, predefined id and short name is answered by UNSUBACK", () => {
  const stand = new Stand({ predefinedTopics: [{ id: 7, name: "all" }] });
  const node = stand.node("n");
  node.subscribe("a/#");
  node.subscribe({ type: "predefined", topicId: 7 });
  node.subscribe({ type: "short", name: "ab" });
  const topics = [
    { type: "name", name: "a/#" },
    { type: "predefined", topicId: 7 },
    { type: "short", name: "ab" },
  ] as const;
  for (const [index, topic] of topics.entries()) {
    node.say({ kind: "unsubscribe", messageId: index, topic });
    assert.deepEqual(node.take(), [{ kind: "unsuback", messageId: index }]);
  }
  assert.equal(stand.door.sessions.get("n")?.subscriptions.size, 0);
});

test("UNSUBSCRIBE from what was not subscribed to is answered too", () => {
  const node = new Stand().node("n");
  node.say({ kind: "unsubscribe", messageId: 4, topic: { type: "predefined", topicId: 99 } });
  assert.deepEqual(node.take(), [{ kind: "unsuback", messageId: 4 }]);
});

test("the end of a subscription is acknowledged once it is off the disk", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("s");
  stand.journal.slow = true;
  node.say({ kind: "unsubscribe", messageId: 9, topic: { type: "name", name: "s" } });
  assert.deepEqual(node.take(), []);
  stand.journal.commit();
  assert.deepEqual(node.take(), [{ kind: "unsuback", messageId: 9 }]);
});
