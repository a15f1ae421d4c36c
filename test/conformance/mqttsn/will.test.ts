/** The will dialogue (MQTT-SN 1.2 §6.2, §6.3) and the update of will data (§6.4). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, type Speaker, Stand, text } from "../../unit/gateway/stand.ts";

function willTopic(node: Speaker, topic: string | undefined, qos: -1 | 0 | 1 | 2 = 1) {
  node.say({ kind: "willtopic", topic, qos, retain: true });
  return node.take();
}

function willMsg(node: Speaker, payload: string) {
  node.say({ kind: "willmsg", payload: bytes(payload) });
  return node.take();
}

function withWill(stand: Stand, clean = false): Speaker {
  const node = stand.at("a");
  node.connect("n", { will: true, clean });
  willTopic(node, "state/n");
  willMsg(node, "gone");
  return node;
}

test("MQTT-SN 1.2 §6.2: the will is asked for by WILLTOPICREQ and WILLMSGREQ before CONNACK", () => {
  const stand = new Stand();
  const node = stand.at("a");
  assert.deepEqual(node.connect("n", { will: true }), [{ kind: "willtopicreq" }]);
  assert.equal(stand.door.openings.length, 0);
  assert.deepEqual(willTopic(node, "state/n"), [{ kind: "willmsgreq" }]);
  assert.deepEqual(willMsg(node, "gone"), [{ kind: "connack", returnCode: 0 }]);
  const will = stand.door.openings[0]?.will;
  assert.deepEqual([will?.topic, will?.qos, will?.retain], ["state/n", 1, true]);
  assert.equal(text(will?.payload ?? new Uint8Array(0)), "gone");
});

test("decisions: Will handshake: each request is repeated every Tretry and abandoned after Nretry, without a trace", () => {
  const stand = new Stand();
  const node = stand.at("a");
  node.connect("n", { will: true });
  stand.pass(9.9);
  assert.deepEqual(node.take(), []);
  stand.pass(0.1);
  assert.deepEqual(node.kinds(), ["willtopicreq"]);
  willTopic(node, "w");
  stand.pass(40);
  assert.deepEqual(node.kinds(), ["willmsgreq", "willmsgreq", "willmsgreq", "willmsgreq"]);
  stand.pass(10);
  assert.deepEqual(node.take(), []);
  assert.deepEqual(stand.report("n"), {});
  assert.deepEqual(stand.journal.stored(), []);
  // The address has no node again.
  assert.deepEqual(willMsg(node, "late"), [{ kind: "disconnect", duration: undefined }]);
  assert.equal(stand.logged(/not connected: does not tell its will/), 1);
});

test("decisions: Will handshake: other messages of the node are ignored meanwhile", () => {
  const stand = new Stand();
  const node = stand.at("a");
  node.connect("n", { will: true });
  assert.deepEqual(node.register("t"), []);
  assert.deepEqual(node.ping(), []);
  assert.deepEqual(node.ping("n"), []);
  assert.deepEqual(node.subscribe("t"), []);
  assert.deepEqual(node.publish(1, "x", 1), []);
  assert.deepEqual(willMsg(node, "too early"), []);
  assert.deepEqual(willTopic(node, "w"), [{ kind: "willmsgreq" }]);
});

test("WILLTOPIC again, as WILLMSGREQ was lost, is answered again", () => {
  const stand = new Stand();
  const node = stand.at("a");
  node.connect("n", { will: true });
  willTopic(node, "w");
  assert.deepEqual(willTopic(node, "w"), [{ kind: "willmsgreq" }]);
});

test("WILLMSG again, as CONNACK was lost, is answered by CONNACK again", () => {
  const stand = new Stand();
  const node = withWill(stand);
  assert.deepEqual(willMsg(node, "gone"), [{ kind: "connack", returnCode: 0 }]);
  assert.equal(stand.door.openings.length, 1);
  node.ping();
  assert.deepEqual(willMsg(node, "gone"), []);
});

test("CONNECT again begins the dialogue anew", () => {
  const stand = new Stand();
  const node = stand.at("a");
  node.connect("n", { will: true });
  willTopic(node, "w");
  assert.deepEqual(node.connect("n", { will: true }), [{ kind: "willtopicreq" }]);
  willTopic(node, "v");
  willMsg(node, "gone");
  assert.equal(stand.door.openings[0]?.will?.topic, "v");
});

test("DISCONNECT ends the dialogue", () => {
  const stand = new Stand();
  const node = stand.at("a");
  node.connect("n", { will: true });
  assert.deepEqual(node.disconnect(), [{ kind: "disconnect", duration: undefined }]);
  stand.pass(60);
  assert.deepEqual(node.take(), []);
});

test("MQTT-SN 1.2 §6.3: an empty WILLTOPIC deletes the will and connects", () => {
  const stand = new Stand();
  const node = withWill(stand);
  node.disconnect();
  node.connect("n", { will: true, clean: false });
  assert.deepEqual(willTopic(node, undefined), [{ kind: "connack", returnCode: 0 }]);
  stand.pass(100);
  assert.equal(stand.state("n"), "lost");
  assert.deepEqual(stand.door.wills, []);
});

test("MQTT-SN 1.2 §6.3: CleanSession=false, Will=true keeps subscriptions and overwrites the will", () => {
  const stand = new Stand();
  const node = withWill(stand);
  node.subscribe({ type: "short", name: "ab" }, 1);
  node.disconnect();
  node.connect("n", { will: true, clean: false });
  willTopic(node, "other");
  willMsg(node, "left");
  stand.door.publish("ab", "x", 1);
  assert.deepEqual(node.kinds(), ["publish"]);
  stand.pass(200);
  assert.equal(stand.door.wills[0]?.topic, "other");
});

test("MQTT-SN 1.2 §6.3: CleanSession=true, Will=true deletes subscriptions and asks for the will", () => {
  const stand = new Stand();
  const node = withWill(stand);
  node.subscribe({ type: "short", name: "ab" }, 1);
  node.disconnect();
  node.connect("n", { will: true, clean: true });
  willTopic(node, "w");
  willMsg(node, "x");
  stand.door.publish("ab", "x", 1);
  assert.deepEqual(node.take(), []);
});

test("a will topic that is no topic name is answered by CONNACK not supported", () => {
  for (const topic of ["a/#", "+", ""]) {
    const stand = new Stand();
    const node = stand.at("a");
    node.connect("n", { will: true });
    assert.deepEqual(willTopic(node, topic), [{ kind: "connack", returnCode: 3 }]);
    assert.deepEqual(stand.report("n"), {});
    assert.deepEqual(node.ping(), [{ kind: "disconnect", duration: undefined }]);
  }
});

test("a will of QoS -1 becomes one of QoS 0", () => {
  const stand = new Stand();
  const node = stand.at("a");
  node.connect("n", { will: true });
  willTopic(node, "w", -1);
  willMsg(node, "x");
  assert.equal(stand.door.openings[0]?.will?.qos, 0);
});

test("a connected node that connects anew with a will and falls silent is lost", () => {
  const stand = new Stand();
  const node = withWill(stand);
  assert.deepEqual(node.connect("n", { will: true, clean: false }), [{ kind: "willtopicreq" }]);
  stand.pass(50);
  assert.equal(stand.state("n"), "lost");
  assert.equal(stand.door.wills.length, 1);
});

test("nothing is delivered to a node that is being asked for its will", () => {
  const stand = new Stand();
  const node = withWill(stand);
  node.subscribe({ type: "short", name: "ab" }, 1);
  node.connect("n", { will: true, clean: false });
  stand.door.publish("ab", "x", 1);
  assert.deepEqual(node.take(), []);
  willTopic(node, "w");
  assert.deepEqual(
    willMsg(node, "x").map((message) => message.kind),
    ["connack", "publish"],
  );
});

test("MQTT-SN 1.2 §6.4: WILLTOPICUPD and WILLMSGUPD overwrite the stored halves apart from each other", () => {
  const stand = new Stand();
  const node = withWill(stand);
  node.say({ kind: "willtopicupd", topic: "new/topic", qos: 2, retain: false });
  assert.deepEqual(node.take(), [{ kind: "willtopicresp", returnCode: 0 }]);
  node.say({ kind: "willmsgupd", payload: bytes("new") });
  assert.deepEqual(node.take(), [{ kind: "willmsgresp", returnCode: 0 }]);
  stand.pass(200);
  const [will] = stand.door.wills;
  assert.deepEqual([will?.topic, will?.qos, will?.retain], ["new/topic", 2, false]);
  assert.equal(text(will?.payload ?? new Uint8Array(0)), "new");
});

test("MQTT-SN 1.2 §6.4: an empty WILLTOPICUPD deletes topic and message", () => {
  const stand = new Stand();
  const node = withWill(stand);
  node.say({ kind: "willtopicupd", topic: undefined, qos: 0, retain: false });
  assert.deepEqual(node.take(), [{ kind: "willtopicresp", returnCode: 0 }]);
  stand.pass(200);
  assert.deepEqual(stand.door.wills, []);
  node.connect("n", { clean: false });
  node.say({ kind: "willmsgupd", payload: bytes("x") });
  assert.deepEqual(node.take(), [{ kind: "willmsgresp", returnCode: 3 }]);
});

test("decisions: Will handshake: WILLMSGUPD without a will is not supported", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.say({ kind: "willmsgupd", payload: bytes("x") });
  assert.deepEqual(node.take(), [{ kind: "willmsgresp", returnCode: 3 }]);
});

test("WILLTOPICUPD without a will makes one whose message is empty until it is set", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.take();
  stand.pass(200);
  assert.equal(stand.door.wills[0]?.topic, "w");
  assert.equal(stand.door.wills[0]?.payload.length, 0);
});

test("WILLTOPICUPD with a wildcard is not supported and changes nothing", () => {
  const stand = new Stand();
  const node = withWill(stand);
  node.say({ kind: "willtopicupd", topic: "a/+", qos: 0, retain: false });
  assert.deepEqual(node.take(), [{ kind: "willtopicresp", returnCode: 3 }]);
  stand.pass(200);
  assert.equal(stand.door.wills[0]?.topic, "state/n");
});

test("a node is told of its will, and of a changed one, once it is on the disk", () => {
  const stand = new Stand();
  const node = stand.at("a");
  stand.journal.slow = true;
  node.connect("n", { will: true, clean: false });
  willTopic(node, "state/n");
  assert.deepEqual(willMsg(node, "gone"), []);
  stand.journal.commit();
  assert.deepEqual(node.take(), [{ kind: "connack", returnCode: 0 }]);
  node.say({ kind: "willtopicupd", topic: "state/2", qos: 1, retain: false });
  node.say({ kind: "willmsgupd", payload: bytes("lost") });
  assert.deepEqual(node.take(), []);
  stand.journal.commit();
  assert.deepEqual(node.take(), [
    { kind: "willtopicresp", returnCode: 0 },
    { kind: "willmsgresp", returnCode: 0 },
  ]);
});

test("a clean session is answered once the one that it ends is off the disk", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  stand.journal.slow = true;
  assert.deepEqual(node.connect("n", { clean: true }), []);
  stand.journal.commit();
  assert.deepEqual(node.take(), [{ kind: "connack", returnCode: 0 }]);
});
