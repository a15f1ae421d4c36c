/** DISCONNECT (MQTT-SN 1.2 §6.12), keep alive and PINGREQ (§6.11). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Stand } from "../../unit/gateway/stand.ts";

const disconnect = [{ kind: "disconnect", duration: undefined }];

test("MQTT-SN 1.2 §6.12: DISCONNECT is answered by DISCONNECT", () => {
  const stand = new Stand();
  assert.deepEqual(stand.node("n").disconnect(), disconnect);
  assert.equal(stand.state("n"), "disconnected");
});

test("decisions: DISCONNECT: DISCONNECT is answered also when the sender is unknown, and again when repeated", () => {
  const stand = new Stand();
  assert.deepEqual(stand.at("x").disconnect(), disconnect);
  const node = stand.node("n");
  node.disconnect();
  assert.deepEqual(node.disconnect(), disconnect);
});

test("decisions: DISCONNECT: the will is not published", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.disconnect();
  stand.pass(1000);
  assert.deepEqual(stand.door.wills, []);
});

test("MQTT-SN 1.2 §6.12: a session that is not clean keeps subscriptions and will data for the next connection", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.subscribe("t", 1);
  node.disconnect();
  assert.equal(stand.door.sessions.get("n")?.subscriptions.size, 1);
  node.connect("n", { clean: false });
  stand.pass(100);
  assert.equal(stand.door.wills[0]?.topic, "w");
});

test("a clean session ends with the connection", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: true });
  node.subscribe("t", 1);
  node.disconnect();
  assert.equal(stand.door.sessions.has("n"), false);
  assert.equal(stand.report("n").topicIds, 0);
  assert.deepEqual([...stand.journal.records.keys()], ["g/n/n"]);
});

test("MQTT-SN 1.2 §6.11: PINGREQ of an active node is answered by PINGRESP", () => {
  const stand = new Stand();
  const node = stand.node("n");
  assert.deepEqual(node.ping(), [{ kind: "pingresp" }]);
  assert.deepEqual(node.ping("n"), [{ kind: "pingresp" }]);
});

test("decisions: PINGREQ asleep: PINGREQ with an unknown ClientId is answered by DISCONNECT, so that the node connects", () => {
  assert.deepEqual(new Stand().at("x").ping("nobody"), disconnect);
});

test("PINGREQ of a lost node is answered by DISCONNECT", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  stand.pass(100);
  node.take();
  assert.deepEqual(node.ping("n"), disconnect);
  assert.deepEqual(node.ping(), disconnect);
});

test("MQTT-SN 1.2 §6.11: a node is lost at keep alive and 10 % without a word, and its will is published", () => {
  const stand = new Stand({ probe: false });
  const node = stand.node("n", { clean: false, keepAlive: 100 });
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  stand.pass(109.9);
  assert.equal(stand.state("n"), "active");
  stand.pass(0.1);
  assert.equal(stand.state("n"), "lost");
  assert.equal(stand.door.wills[0]?.topic, "w");
  assert.equal(
    stand.logged(/^node "n" at udp\/at-n lost: silent for more than its keep alive of 100 s$/),
    1,
  );
});

test("MQTT-SN 1.2 §7.2: a keep alive of up to a minute is extended by 50 %", () => {
  const stand = new Stand({ probe: false });
  stand.node("n", { keepAlive: 60 });
  stand.pass(89.9);
  assert.equal(stand.state("n"), "active");
  stand.pass(0.1);
  assert.equal(stand.state("n"), "lost");
});

test("decisions: Keep alive: a keep alive of 0 is not supervised", () => {
  const stand = new Stand();
  const node = stand.node("n", { keepAlive: 0 });
  stand.pass(10_000_000);
  assert.equal(stand.state("n"), "active");
  assert.deepEqual(node.take(), []);
});

test("any message of the node counts as a sign of life", () => {
  const stand = new Stand({ probe: false });
  const node = stand.node("n", { keepAlive: 60 });
  const signs = [
    () => node.ping(),
    () => node.register("t"),
    () => node.publish(1, "x"),
    () => node.say({ kind: "pingresp" }),
    () => node.puback(99),
  ];
  for (const sign of signs) {
    stand.pass(80);
    sign();
  }
  stand.pass(80);
  assert.equal(stand.state("n"), "active");
  stand.pass(10);
  assert.equal(stand.state("n"), "lost");
});

test("MQTT-SN 1.2 §6.11: when keep alive is over the gateway sends PINGREQ once, and PINGRESP keeps the node", () => {
  const stand = new Stand();
  const node = stand.node("n", { keepAlive: 60 });
  stand.pass(60);
  assert.deepEqual(node.take(), [{ kind: "pingreq", clientId: undefined }]);
  node.say({ kind: "pingresp" });
  stand.pass(59);
  assert.deepEqual(node.take(), []);
  stand.pass(1);
  assert.deepEqual(node.take(), [{ kind: "pingreq", clientId: undefined }]);
  stand.pass(29);
  assert.equal(stand.state("n"), "active");
  assert.deepEqual(node.take(), []);
  stand.pass(1);
  assert.equal(stand.state("n"), "lost");
});

test("a clean session ends when its node is lost, but the node is still seen", () => {
  const stand = new Stand();
  stand.node("n", { clean: true });
  stand.pass(90);
  assert.equal(stand.state("n"), "lost");
  assert.equal(stand.door.sessions.has("n"), false);
});
