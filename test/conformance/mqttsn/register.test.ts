/** REGISTER by nodes (MQTT-SN 1.2 §6.5, §7.3). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Stand } from "../../unit/gateway/stand.ts";

test("MQTT-SN 1.2 §6.5: REGISTER is answered by REGACK with the id that PUBLISH uses from then on", () => {
  const stand = new Stand();
  const node = stand.node("n");
  assert.deepEqual(node.register("a/b"), [
    { kind: "regack", topicId: 1, messageId: 1, returnCode: 0 },
  ]);
  node.publish(1, "x");
  assert.equal(stand.door.published[0]?.topic, "a/b");
});

test("decisions: Topic ids: the same name always yields the same id", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.register("a");
  node.register("b");
  assert.deepEqual(node.register("a"), [
    { kind: "regack", topicId: 1, messageId: 3, returnCode: 0 },
  ]);
  const [suback] = node.subscribe("b");
  assert.equal(suback?.kind === "suback" && suback.topicId, 2);
});

test("MQTT-SN 1.2 §7.3: ids are each node's own", () => {
  const stand = new Stand();
  const one = stand.node("one");
  const other = stand.node("other");
  one.register("a");
  assert.deepEqual(other.publish(1, "x"), [
    { kind: "puback", topicId: 1, messageId: 0, returnCode: 2 },
  ]);
  other.register("b");
  other.publish(1, "x");
  assert.equal(stand.door.published[0]?.topic, "b");
});

test("decisions: REGISTER of a wildcard: REGISTER of a wildcard or an invalid name is not supported", () => {
  const stand = new Stand();
  const node = stand.node("n");
  for (const name of ["a/+", "#", "a#", "", "/".repeat(300)]) {
    const [regack] = node.register(name);
    assert.equal(regack?.kind === "regack" && regack.returnCode, 3);
    assert.equal(regack?.kind === "regack" && regack.topicId, 0);
  }
});

test("decisions: Topic ids: ids keep clear of predefined ones, both the node's own and everyone's", () => {
  const stand = new Stand({
    predefinedTopics: [
      { id: 1, name: "all" },
      { id: 2, name: "own", node: "n" },
      { id: 4, name: "foreign", node: "m" },
    ],
  });
  const node = stand.node("n");
  const ids = ["a", "b", "c"].map((name) => {
    const [regack] = node.register(name);
    return regack?.kind === "regack" ? regack.topicId : 0;
  });
  assert.deepEqual(ids, [3, 4, 5]);
});

test("decisions: REGISTER of a wildcard: REGISTER of a predefined name gets a normal id", () => {
  const stand = new Stand({ predefinedTopics: [{ id: 1, name: "all" }] });
  const node = stand.node("n");
  const [regack] = node.register("all");
  assert.equal(regack?.kind === "regack" && regack.topicId, 2);
});

test("decisions: Topic ids: ids survive a reconnect without clean session", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.register("a/b");
  node.disconnect();
  node.connect("n", { clean: false });
  node.publish(1, "x");
  assert.equal(stand.door.published[0]?.topic, "a/b");
});

test("REGACK waits until the id is durable, so that no id is given twice", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  stand.journal.slow = true;
  assert.deepEqual(node.register("t"), []);
  stand.journal.commit();
  assert.deepEqual(node.take(), [{ kind: "regack", topicId: 1, messageId: 1, returnCode: 0 }]);
  assert.equal(node.register("t")[0]?.kind, "regack", "a durable one is answered at once");
});

test("an answer that waited for the store is not given to a later connection", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  stand.journal.slow = true;
  node.register("t");
  node.subscribe("s");
  node.connect("n", { clean: true });
  stand.journal.commit();
  assert.deepEqual(node.take(), [{ kind: "connack", returnCode: 0 }]);
});

test("many names are found as few are", () => {
  const stand = new Stand();
  const node = stand.node("n");
  for (let at = 1; at <= 100; at++) node.register(`t/${at}`);
  const [again] = node.register("t/77");
  assert.equal(again?.kind === "regack" && again.topicId, 77);
  node.publish(33, "x");
  assert.equal(stand.door.published[0]?.topic, "t/33");
  assert.equal(stand.report("n").state, "active");
});
