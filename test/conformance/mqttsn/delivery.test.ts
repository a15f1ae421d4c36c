/** From the gateway to nodes (MQTT-SN 1.2 §6.10). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SnMessage } from "../../../src/mqttsn/packets.ts";
import { type Speaker, Stand, text } from "../../unit/gateway/stand.ts";

function kinds(messages: SnMessage[]): string[] {
  return messages.map((message) => message.kind);
}

function payloads(messages: SnMessage[]): string[] {
  return messages.flatMap((message) => (message.kind === "publish" ? [text(message.payload)] : []));
}

/** A node that subscribed to "t" by name, so that id 1 is known to it. */
function subscriber(stand: Stand, qos: 0 | 1 | 2 = 2, keepAlive = 0): Speaker {
  const node = stand.node("n", { clean: false, keepAlive });
  node.subscribe("t", qos);
  return node;
}

test("QoS 0 goes out with MsgId 0 and is not repeated", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "x", 0);
  const [publish] = node.take();
  assert.deepEqual(publish?.kind === "publish" && [publish.qos, publish.messageId], [0, 0]);
  stand.pass(60);
  assert.deepEqual(node.take(), []);
});

test("decisions: Gateway to node: one QoS 1 PUBLISH is outstanding at a time", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  for (const payload of ["1", "2", "3"]) stand.door.publish("t", payload, 1);
  assert.deepEqual(payloads(node.take()), ["1"]);
  assert.deepEqual(payloads(node.puback(1)), ["2"]);
  assert.deepEqual(payloads(node.puback(1)), [], "an old acknowledgement changes nothing");
  assert.deepEqual(payloads(node.puback(2)), ["3"]);
  node.puback(3);
  assert.equal(stand.door.sessions.get("n")?.inflight.size, 0);
});

test("decisions: Gateway to node: an unacknowledged PUBLISH is repeated with DUP every Tretry, Nretry times, then the node is lost", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "x", 1);
  const [first] = node.take();
  assert.equal(first?.kind === "publish" && first.dup, false);
  for (let repetition = 0; repetition < 4; repetition++) {
    stand.pass(9.9);
    assert.deepEqual(node.take(), []);
    stand.pass(0.1);
    const again = node.take();
    assert.equal(again.length, 1);
    assert.deepEqual(again[0], { ...first, dup: true });
  }
  assert.equal(stand.state("n"), "active");
  stand.pass(10);
  assert.deepEqual(node.take(), []);
  assert.equal(stand.state("n"), "lost");
  assert.equal(stand.report("n").retries, 4);
});

test("decisions: Gateway to node: the messages of a lost node stay queued for its return", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 1);
  stand.door.publish("t", "2", 1);
  stand.pass(50);
  node.take();
  assert.equal(stand.report("n").buffered, 2);
  stand.door.publish("t", "3", 1);
  node.connect("n", { clean: false });
  const [publish] = node.regack(1);
  assert.equal(publish?.kind === "publish" && publish.dup, true);
  assert.deepEqual(payloads([publish as SnMessage]), ["1"]);
  assert.deepEqual(payloads(node.puback(1)), ["2"]);
  assert.deepEqual(payloads(node.puback(2)), ["3"]);
});

test("decisions: Gateway to node: Tretry and Nretry are the link's", () => {
  const stand = new Stand();
  stand.link.retryInterval = 1000;
  stand.link.retryLimit = 1;
  const node = subscriber(stand);
  stand.door.publish("t", "x", 1);
  stand.pass(1);
  assert.equal(node.take().length, 2);
  stand.pass(1);
  assert.equal(stand.state("n"), "lost");
});

test("QoS 2 goes by PUBREC, PUBREL and PUBCOMP, one message at a time", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 2);
  stand.door.publish("t", "2", 2);
  assert.deepEqual(kinds(node.take()), ["publish"]);
  node.say({ kind: "pubrec", messageId: 1 });
  assert.deepEqual(node.take(), [{ kind: "pubrel", messageId: 1 }]);
  node.say({ kind: "pubcomp", messageId: 1 });
  assert.deepEqual(payloads(node.take()), ["2"]);
});

test("PUBREL is repeated until PUBCOMP", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 2);
  node.take();
  node.say({ kind: "pubrec", messageId: 1 });
  stand.pass(10);
  assert.deepEqual(kinds(node.take()), ["pubrel", "pubrel"]);
  node.say({ kind: "pubrec", messageId: 1 });
  assert.deepEqual(kinds(node.take()), ["pubrel"], "PUBREC again: PUBREL was lost");
  node.say({ kind: "pubcomp", messageId: 1 });
  stand.pass(100);
  assert.deepEqual(node.take(), []);
});

test("a QoS 2 handshake cut off after PUBREC goes on with PUBREL after a reconnect", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 2);
  node.take();
  node.say({ kind: "pubrec", messageId: 1 });
  node.take();
  assert.deepEqual(kinds(node.connect("n", { clean: false })), ["connack", "pubrel"]);
});

test("PUBREC of an unknown message is answered by PUBREL, so that the node is rid of it", () => {
  const node = subscriber(new Stand());
  node.say({ kind: "pubrec", messageId: 77 });
  assert.deepEqual(node.take(), [{ kind: "pubrel", messageId: 77 }]);
});

test("QoS 0 does not wait for an outstanding QoS 1", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 1);
  stand.door.publish("t", "0", 0);
  assert.deepEqual(payloads(node.take()), ["1", "0"]);
});

test("MQTT-SN 1.2 §6.10: REGISTER goes before the first PUBLISH of a name, which waits for REGACK", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.subscribe("a/#", 1);
  stand.door.publish("a/b", "1", 1);
  stand.door.publish("a/b", "2", 1);
  assert.deepEqual(node.take(), [{ kind: "register", topicId: 1, messageId: 1, topicName: "a/b" }]);
  const [publish] = node.regack(1);
  assert.equal(publish?.kind === "publish" && publish.topicId, 1);
  assert.deepEqual(payloads(node.puback(1)), ["2"], "the name is known now");
});

test("REGISTER waits until the id is durable", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false });
  node.subscribe("a/#", 1);
  stand.journal.slow = true;
  stand.door.publish("a/b", "1", 1);
  stand.door.publish("a/c", "2", 0);
  assert.deepEqual(node.take(), []);
  stand.journal.commit();
  assert.deepEqual(kinds(node.take()), ["register"]);
});

test("the message that waits for REGACK is kept, though its buffer is used again", () => {
  const stand = new Stand();
  const receiver = stand.node("receiver");
  receiver.subscribe("a/#", 0);
  const sender = stand.node("sender");
  sender.register("a/b");
  const frame = new Uint8Array([8, 0x0c, 0, 0, 1, 0, 0, 0x31]);
  sender.sayRaw(frame);
  frame.fill(0);
  receiver.take();
  assert.deepEqual(payloads(receiver.regack(1)), ["1"]);
});

test("decisions: Gateway to node: REGISTER is repeated every Tretry, and after Nretry the node is lost", () => {
  const stand = new Stand();
  const node = stand.node("n", { clean: false, keepAlive: 0 });
  node.subscribe("a/#", 1);
  stand.door.publish("a/b", "1", 1);
  stand.pass(40);
  assert.deepEqual(kinds(node.take()), [
    "register",
    "register",
    "register",
    "register",
    "register",
  ]);
  stand.pass(10);
  assert.equal(stand.state("n"), "lost");
  assert.equal(stand.door.sessions.get("n")?.inflight.size, 1);
});

test("a REGACK that is not the outstanding one is ignored", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.subscribe("a/#", 1);
  stand.door.publish("a/b", "1", 1);
  node.take();
  assert.deepEqual(node.regack(2), []);
  assert.deepEqual(payloads(node.regack(1)), ["1"]);
  assert.deepEqual(node.regack(1), []);
});

for (const returnCode of [2, 3]) {
  test(`§6.10 REGACK 0x0${returnCode} unsubscribes from that name, and nothing is published on it`, () => {
    const stand = new Stand();
    const node = stand.node("n", { clean: false });
    node.subscribe("a/b", 1);
    node.connect("n", { clean: false });
    stand.door.publish("a/b", "1", 1);
    node.take();
    assert.deepEqual(node.regack(1, returnCode), []);
    assert.equal(stand.door.sessions.get("n")?.subscriptions.size, 0);
    assert.equal(stand.door.discarded, 1);
    assert.equal(stand.logged(/refused topic "a\/b"/), 1);
  });
}

test("MQTT-SN 1.2 §6.10: a name refused under a wildcard stays out, and others go on", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.subscribe("a/#", 1);
  stand.door.publish("a/b", "1", 1);
  node.take();
  node.regack(1, 3);
  stand.door.publish("a/b", "2", 0);
  stand.door.publish("a/c", "3", 0);
  assert.deepEqual(node.take(), [{ kind: "register", topicId: 2, messageId: 2, topicName: "a/c" }]);
  assert.deepEqual(payloads(node.regack(2)), ["3"]);
  node.register("a/b");
  stand.door.publish("a/b", "4", 0);
  assert.deepEqual(payloads(node.take()), ["4"], "the node asked for it itself");
});

test("decisions: Gateway to node: REGACK congestion waits for TWAIT, then REGISTER is sent again", () => {
  const stand = new Stand();
  const node = stand.node("n", { keepAlive: 0 });
  node.subscribe("a/#", 1);
  stand.door.publish("a/b", "1", 1);
  stand.door.publish("a/b", "2", 0);
  node.take();
  assert.deepEqual(node.regack(1, 1), []);
  stand.pass(299);
  assert.deepEqual(node.take(), []);
  stand.pass(1);
  assert.deepEqual(kinds(node.take()), ["register"]);
  assert.deepEqual(payloads(node.regack(1)), ["1", "2"]);
});

test("PUBACK congestion waits for TWAIT, then PUBLISH is sent again", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 1);
  node.take();
  node.puback(1, 1);
  stand.door.publish("t", "0", 0);
  stand.pass(299);
  assert.deepEqual(node.take(), []);
  stand.pass(1);
  assert.deepEqual(payloads(node.take()), ["1"]);
  assert.deepEqual(payloads(node.puback(1)), ["0"]);
});

test("MQTT-SN 1.2 §6.10: PUBACK invalid topic id: the name is registered anew and the message sent once more", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 1);
  node.take();
  assert.deepEqual(node.puback(1, 2), [
    { kind: "register", topicId: 1, messageId: 1, topicName: "t" },
  ]);
  assert.deepEqual(payloads(node.regack(1)), ["1"]);
  assert.deepEqual(node.puback(1, 2), [], "it may be the first rejection, come twice");
  assert.equal(stand.door.discarded, 0);
  stand.pass(10);
  assert.deepEqual(payloads(node.take()), ["1"]);
  assert.deepEqual(node.puback(1, 2), [], "once only");
  assert.equal(stand.door.discarded, 1);
  assert.equal(stand.door.sessions.get("n")?.inflight.size, 0);
});

test("MQTT-SN 1.2 §6.10: PUBACK invalid topic id on QoS 2 is corrected likewise", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 2);
  node.take();
  assert.deepEqual(kinds(node.puback(1, 2)), ["register"]);
  assert.deepEqual(payloads(node.regack(1)), ["1"]);
  node.say({ kind: "pubrec", messageId: 1 });
  assert.deepEqual(kinds(node.take()), ["pubrel"]);
});

test("MQTT-SN 1.2 §6.10: PUBACK invalid topic id on QoS 0: the name is registered before the next message", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 0);
  node.take();
  assert.deepEqual(node.puback(0, 2), []);
  stand.door.publish("t", "2", 0);
  assert.deepEqual(kinds(node.take()), ["register"]);
});

test("a correction goes before a QoS 0 message that waits for another name", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  node.subscribe("a/#", 0);
  stand.door.publish("t", "1", 1);
  stand.door.publish("a/b", "0", 0);
  assert.deepEqual(kinds(node.take()), ["publish"]);
  const [register] = node.puback(1, 2);
  assert.equal(register?.kind === "register" && register.topicName, "t");
  assert.deepEqual(payloads(node.regack(1)), ["1"]);
  const [other] = node.puback(1);
  assert.equal(other?.kind === "register" && other.topicName, "a/b");
  assert.deepEqual(payloads(node.regack(2)), ["0"]);
});

test("a predefined id that the node does not know is replaced by a normal one", () => {
  const stand = new Stand({ predefinedTopics: [{ id: 7, name: "all" }] });
  const node = stand.node("n");
  node.subscribe("#", 1);
  stand.door.publish("all", "1", 1);
  const [publish] = node.take();
  assert.equal(publish?.kind === "publish" && publish.topicIdType, "predefined");
  assert.deepEqual(kinds(node.puback(1, 2, 7)), ["register"]);
  assert.deepEqual(payloads(node.regack(1)), ["1"]);
});

test("a PUBLISH that the node rejects as not supported leaves the session", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 1);
  stand.door.publish("t", "2", 1);
  node.take();
  assert.deepEqual(payloads(node.puback(1, 3)), ["2"]);
  assert.equal(stand.door.discarded, 1);
});

test("after a reconnect without clean session, names are registered again before use, under their ids", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  node.connect("n", { clean: false });
  stand.door.publish("t", "1", 0);
  assert.deepEqual(node.take(), [{ kind: "register", topicId: 1, messageId: 1, topicName: "t" }]);
});

test("MQTT-SN 1.2 §6.10: a PUBLISH too long for the link is dropped for that node, counted, and never truncated", () => {
  const stand = new Stand();
  stand.link.maximumFrame = 60;
  const node = subscriber(stand);
  stand.door.publish("t", "x".repeat(54), 1);
  stand.door.publish("t", "x".repeat(54), 0);
  assert.deepEqual(node.take(), []);
  stand.door.publish("t", "x".repeat(53), 1);
  assert.equal(node.take().length, 1);
  stand.pass(10);
  assert.equal(stand.report("n").dropped, 2);
  assert.equal(stand.door.discarded, 1);
  assert.match(stand.door.announced.get("$SYS/gateway/links/udp") ?? "", /"dropped":2/);
});

test("MQTT-SN 1.2 §6.10: a name too long for a REGISTER is dropped for that node", () => {
  const stand = new Stand();
  stand.link.maximumFrame = 60;
  const node = stand.node("n");
  node.subscribe("#", 1);
  stand.door.publish("n".repeat(55), "x", 1);
  assert.deepEqual(node.take(), []);
  stand.door.publish("n".repeat(54), "x", 1);
  assert.deepEqual(kinds(node.take()), ["register"]);
  assert.equal(stand.door.discarded, 1);
});

test("decisions: Header: messages of 249 and more bytes go with the 3-octet length", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  for (const length of [248, 249, 1391]) {
    stand.door.publish("t", "x".repeat(length), 0);
    assert.deepEqual(payloads(node.take()), ["x".repeat(length)]);
  }
  stand.door.publish("t", "x".repeat(1392), 0);
  assert.deepEqual(node.take(), []);
});

test("the RETAIN flag is passed on as the broker gives it", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  stand.door.publish("t", "1", 0, true);
  const [live] = node.take();
  assert.equal(live?.kind === "publish" && live.retain, false);
});

test("names of two octets go as short names where the node has no id for them", () => {
  const stand = new Stand();
  const node = stand.node("n");
  node.subscribe("#", 0);
  stand.door.publish("ab", "1");
  const [short] = node.take();
  assert.equal(short?.kind === "publish" && short.topicIdType, "short");
  node.register("ab");
  stand.door.publish("ab", "2");
  const [normal] = node.take();
  assert.equal(normal?.kind === "publish" && normal.topicIdType, "normal");
});

test("a session that had many messages in flight hands them on one by one", () => {
  const stand = new Stand();
  const node = subscriber(stand);
  const session = stand.door.sessions.get("n");
  assert.ok(session);
  // As an MQTT client of that identifier with a larger window would have left it.
  node.disconnect();
  session.opening = { ...session.opening, receiveMaximum: 10 };
  for (const payload of ["1", "2", "3"]) stand.door.publish("t", payload, 1);
  for (const [index, delivery] of session.queue.entries()) {
    delivery.packetId = index + 1;
    session.inflight.set(delivery.packetId, delivery);
  }
  session.queue.length = 0;
  node.connect("n", { clean: false });
  assert.deepEqual(payloads(node.regack(1)), ["1"]);
  assert.deepEqual(payloads(node.puback(1)), ["2"]);
  assert.deepEqual(payloads(node.puback(2)), ["3"]);
  node.puback(3);
  assert.equal(session.inflight.size, 0);
});
