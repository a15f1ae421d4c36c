/** Sleeping nodes (MQTT-SN 1.2 §6.14). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnMessage } from "../../../src/mqttsn/packets.ts";
import { bytes, Stand, text } from "../../unit/gateway/stand.ts";

function kinds(messages: SnMessage[]): string[] {
  return messages.map((message) => message.kind);
}

function shown(messages: SnMessage[]): string[] {
  return messages.map((message) =>
    message.kind === "publish" ? text(message.payload) : message.kind,
  );
}

const pingresp = [{ kind: "pingresp" }];

test("MQTT-SN 1.2 §6.14: DISCONNECT with a duration is answered by DISCONNECT without one, and the node sleeps", () => {
  const stand = new Stand();
  const node = stand.node("n");
  assert.deepEqual(node.disconnect(300), [{ kind: "disconnect", duration: undefined }]);
  assert.equal(stand.state("n"), "asleep");
  assert.equal(stand.report("n").sleepDuration, 300);
});

test("a node may sleep only when it is stored that it does", () => {
  const stand = new Stand();
  const node = stand.node("n");
  stand.journal.slow = true;
  assert.deepEqual(node.disconnect(300), []);
  stand.journal.commit();
  assert.deepEqual(node.take(), [{ kind: "disconnect", duration: undefined }]);
});

test("a node that fell asleep at an address of which nothing was known gets its messages there", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("t", 1);
  // Its address changed, and the first that comes from there is this.
  const moved = stand.at("elsewhere");
  assert.deepEqual(moved.disconnect(600), [{ kind: "disconnect", duration: undefined }]);
  assert.equal(stand.state("n"), "active");
  stand.door.publish("t", "1", 1);
  assert.deepEqual(shown(node.take()), ["1"]);
  assert.deepEqual(shown(moved.ping("n")), ["1"]);
  assert.deepEqual(shown(moved.puback(1)), ["pingresp"]);
  assert.equal(stand.state("n"), "asleep");
  assert.equal(stand.report("n").sleepDuration, 600);
});

test("whoever connects from an address does not sleep, whatever was said from there before", () => {
  const stand = new Stand();
  stand.at("a").disconnect(600);
  const node = stand.at("a");
  node.connect("n");
  assert.deepEqual(node.ping("n"), pingresp);
  assert.equal(stand.state("n"), "active");
});

test("MQTT-SN 1.2 §6.14: messages for a sleeping node are buffered, QoS 0 too", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  stand.door.publish("t", "0", 0);
  assert.deepEqual(node.take(), []);
  assert.deepEqual(shown(node.ping("n")), ["1", "0"]);
  assert.deepEqual(shown(node.puback(1)), ["pingresp"]);
});

test("decisions: Sleeping: the option for QoS 0 is passed to the broker", () => {
  const stand = new Stand({ queueQos0: false });
  stand.node("n");
  assert.equal(stand.door.openings[0]?.queueQos0, false);
});

test("MQTT-SN 1.2 §6.14: with nothing buffered, PINGREQ is answered by PINGRESP at once", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  assert.deepEqual(node.ping("n"), pingresp);
  assert.equal(stand.state("n"), "asleep");
});

test("MQTT-SN 1.2 §6.14: an awake node gets one message after the other, PINGRESP last, and sleeps again", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  for (const payload of ["1", "2", "3"]) stand.door.publish("t", payload, 1);
  assert.deepEqual(shown(node.ping("n")), ["1"]);
  assert.equal(stand.state("n"), "awake");
  assert.deepEqual(shown(node.puback(1)), ["2"]);
  assert.deepEqual(shown(node.puback(2)), ["3"]);
  assert.deepEqual(shown(node.puback(3)), ["pingresp"]);
  assert.equal(stand.state("n"), "asleep");
});

test("MQTT-SN 1.2 §6.14: REGISTERs are part of the flush", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "a/#");
  stand.door.publish("a/1", "1", 1);
  stand.door.publish("a/2", "2", 0);
  assert.deepEqual(shown(node.ping("n")), ["register"]);
  const first = node.regack(1);
  assert.deepEqual(shown(first), ["1", "register"].slice(0, first.length));
  const rest = [...first.slice(1), ...node.puback(1), ...node.regack(2)];
  assert.deepEqual(shown(rest), ["register", "2", "pingresp"]);
});

test("QoS 2 is part of the flush until PUBCOMP", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t", 2);
  stand.door.publish("t", "1", 2);
  assert.deepEqual(shown(node.ping("n")), ["1"]);
  node.say({ kind: "pubrec", messageId: 1 });
  assert.deepEqual(shown(node.take()), ["pubrel"]);
  node.say({ kind: "pubcomp", messageId: 1 });
  assert.deepEqual(shown(node.take()), ["pingresp"]);
});

test("decisions: PINGREQ asleep: a message that comes while the node is awake is part of the flush", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  node.ping("n");
  stand.door.publish("t", "2", 1);
  assert.deepEqual(shown(node.puback(1)), ["2"]);
  assert.deepEqual(shown(node.puback(2)), ["pingresp"]);
});

test("decisions: PINGREQ asleep: PINGREQ without ClientId from a sleeping node's address wakes it too", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  assert.deepEqual(shown(node.ping()), ["1"]);
});

test("decisions: PINGREQ asleep: a waking brings no more than the bound, the rest stays for the next one", () => {
  const stand = new Stand({ awakeMessages: 2 });
  const node = stand.sleeper("n", "t");
  for (const payload of ["1", "2", "3"]) stand.door.publish("t", payload, 0);
  assert.deepEqual(shown(node.ping("n")), ["1", "2", "pingresp"]);
  assert.deepEqual(shown(node.ping("n")), ["3", "pingresp"]);
  for (const payload of ["4", "5", "6"]) stand.door.publish("t", payload, 1);
  assert.deepEqual(shown(node.ping("n")), ["4"]);
  assert.deepEqual(shown(node.puback(1)), ["5"]);
  assert.deepEqual(shown(node.puback(2)), ["pingresp"]);
  assert.deepEqual(shown(node.ping("n")), ["6"]);
});

test("decisions: PINGREQ asleep: an unacknowledged message stays for the next wake, and the node is not lost for it", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  node.ping("n");
  stand.pass(49.9);
  assert.equal(stand.state("n"), "awake");
  assert.equal(node.take().length, 4);
  stand.pass(0.1);
  assert.equal(stand.state("n"), "asleep");
  stand.pass(100);
  assert.deepEqual(
    node.take().filter((message) => message.kind === "publish"),
    [],
  );
  const [publish] = node.ping("n");
  assert.equal(publish?.kind === "publish" && publish.dup, true);
  assert.deepEqual(shown(node.puback(1)), ["pingresp"]);
});

test("a PUBACK that comes when the node sleeps again counts", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  node.ping("n");
  stand.pass(60);
  node.take();
  assert.deepEqual(node.puback(1), []);
  assert.deepEqual(node.ping("n"), pingresp);
});

test("PINGREQ repeated while awake sends the outstanding message again", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  node.ping("n");
  stand.clock.advance(3000);
  const [again] = node.ping("n");
  assert.equal(again?.kind === "publish" && again.dup, true);
});

test("PINGREQ repeated at once does not have the same message under way twice", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 2);
  assert.deepEqual(shown(node.ping("n")), ["1"]);
  stand.clock.advance(100);
  assert.deepEqual(node.ping("n"), []);
});

test("an awake node that answers congestion is let back to sleep", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  node.ping("n");
  assert.deepEqual(shown(node.puback(1, 1)), ["pingresp"]);
  assert.deepEqual(shown(node.ping("n")), ["1"]);
});

test("a QoS 0 message that waited for REGACK when the waking ended goes out in the next one", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "a/#", 0);
  stand.door.publish("a/b", "1", 0);
  assert.deepEqual(shown(node.ping("n")), ["register"]);
  stand.pass(60);
  node.take();
  assert.equal(stand.state("n"), "asleep");
  assert.deepEqual(shown(node.ping("n")), ["register"]);
  assert.deepEqual(shown(node.regack(2)), ["1", "pingresp"]);
});

test("MQTT-SN 1.2 §6.14: sleep is supervised by its duration and 10 %, then the node is lost and its will published", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.disconnect(100);
  stand.pass(109.9);
  assert.equal(stand.state("n"), "asleep");
  stand.pass(0.1);
  assert.equal(stand.state("n"), "lost");
  assert.equal(stand.door.wills.length, 1);
});

test("MQTT-SN 1.2 §7.2: sleep of up to a minute is supervised by its duration and 50 %", () => {
  const stand = new Stand();
  stand.node("n").disconnect(60);
  stand.pass(89.9);
  assert.equal(stand.state("n"), "asleep");
  stand.pass(0.1);
  assert.equal(stand.state("n"), "lost");
});

test("MQTT-SN 1.2 §6.14: the sleep timer starts anew with each waking", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t", 1, 100);
  for (let wakes = 0; wakes < 5; wakes++) {
    stand.pass(100);
    assert.deepEqual(node.ping("n"), pingresp);
  }
  assert.equal(stand.state("n"), "asleep");
});

test("MQTT-SN 1.2 §6.14: DISCONNECT with a new duration changes the sleep", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t", 1, 100);
  node.disconnect(1000);
  stand.pass(1099);
  assert.equal(stand.state("n"), "asleep");
  stand.pass(1);
  assert.equal(stand.state("n"), "lost");
});

test("MQTT-SN 1.2 §6.14: CONNECT makes a sleeping node active and delivers what was buffered", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "ab");
  stand.door.publish("ab", "1", 1);
  assert.deepEqual(kinds(node.connect("n", { clean: false })), ["connack", "register"]);
  assert.equal(stand.state("n"), "active");
  assert.deepEqual(shown(node.regack(1)), ["1"]);
  assert.deepEqual(node.puback(1), []);
});

test("MQTT-SN 1.2 §6.14: DISCONNECT without duration makes a sleeping node disconnected", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  assert.deepEqual(kinds(node.disconnect()), ["disconnect"]);
  assert.equal(stand.state("n"), "disconnected");
  assert.deepEqual(kinds(node.ping("n")), ["disconnect"]);
});

test("decisions: Other message while asleep: PUBLISH, REGISTER and SUBSCRIBE of a sleeping node are served, and it stays asleep", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("kept", "r", 1, true);
  assert.deepEqual(kinds(node.register("up")), ["regack"]);
  assert.deepEqual(kinds(node.publish(2, "x", 1)), ["puback"]);
  assert.deepEqual(kinds(node.subscribe("kept", 1)), ["suback"]);
  assert.equal(stand.state("n"), "asleep");
  assert.deepEqual(shown(node.ping("n")), ["r"]);
});

test("an awake node's own messages are served as well", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  node.ping("n");
  assert.deepEqual(kinds(node.register("up")), ["regack"]);
  assert.equal(stand.state("n"), "awake");
  node.say({ kind: "willtopicupd", topic: "w", qos: 0, retain: false });
  node.say({ kind: "willmsgupd", payload: bytes("x") });
  assert.deepEqual(kinds(node.take()), ["willtopicresp", "willmsgresp"]);
  assert.deepEqual(shown(node.puback(1)), ["pingresp"]);
});

test("DISCONNECT with a duration while awake ends the waking", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  node.ping("n");
  assert.deepEqual(kinds(node.disconnect(60)), ["disconnect"]);
  assert.equal(stand.state("n"), "asleep");
  stand.pass(30);
  assert.deepEqual(node.take(), []);
});

test("a duration of 0 is no sleep", () => {
  const stand = new Stand();
  stand.node("n").disconnect(0);
  assert.equal(stand.state("n"), "disconnected");
});

test("going to sleep with a message outstanding leaves it for the next wake", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("t", 1);
  stand.door.publish("t", "1", 1);
  node.take();
  node.disconnect(600);
  stand.pass(60);
  assert.deepEqual(node.take(), []);
  assert.deepEqual(shown(node.ping("n")), ["1"]);
});

test("going to sleep and waking is logged", () => {
  const stand = new Stand();
  const node = stand.sleeper("n", "t");
  stand.door.publish("t", "1", 1);
  node.ping("n");
  assert.equal(stand.logged(/^node "n" asleep for 600 s$/, "info"), 1);
  assert.equal(stand.logged(/^node "n" awake, 1 messages buffered$/, "debug"), 1);
});
