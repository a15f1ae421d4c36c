/** MQTT 5.0 chapters 3.4 to 3.7, 4.3 and 4.4: acknowledgements, the QoS protocols, delivery retry. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet } from "../../../src/mqtt/packets.ts";
import { frame } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 1000 };

/** Packets as "kind #identifier 0xreason". */
function traffic(client: TestClient): string[] {
  return client.take().map((packet) => {
    const id = "packetId" in packet ? ` #${packet.packetId}` : "";
    const { reasonCode } = packet as { reasonCode?: number };
    const reason = reasonCode === undefined ? "" : ` 0x${reasonCode.toString(16)}`;
    return `${packet.kind}${id}${reason}${packet.kind === "publish" && packet.dup ? " dup" : ""}`;
  });
}

/** A subscriber to "t" at QoS 2 and one who publishes there. */
function pair(properties = {}): { broker: TestBroker; to: TestClient; from: TestClient } {
  const broker = new TestBroker();
  const to = broker.connect5("to", properties);
  to.subscribe("t", 2);
  return { broker, to, from: broker.connect5("from", KEPT) };
}

test("[MQTT-3.4.2-1] PUBACK has a reason code of its table: 0x00, 0x10, 0x87; others from clients are malformed", () => {
  const access = new ScriptedAccess({ mayPublish: (topic) => topic !== "secret" });
  const broker = new TestBroker({ access });
  const client = broker.connect5("client");
  client.subscribe("t");
  client.publish("t", "x", 1, 1);
  client.publish("nobody", "x", 1, 2);
  client.publish("secret", "x", 1, 3);
  client.publish("$SYS/broker/uptime", "x", 1, 4);
  client.publish("$share/g/t", "x", 1, 5);
  assert.deepEqual(
    traffic(client).filter((line) => !line.startsWith("publish")),
    ["puback #1", "puback #2 0x10", "puback #3 0x87", "puback #4 0x87", "puback #5 0x87"],
  );
  client.sendBytes(frame(0x40, "0001 92"));
  assert.equal(client.ending(), "0x81");
});

test("[MQTT-3.5.2-1] PUBREC has a reason code of its table: 0x00, 0x10, 0x87; others from clients are malformed", () => {
  const access = new ScriptedAccess({ mayPublish: (topic) => topic !== "secret" });
  const broker = new TestBroker({ access });
  const client = broker.connect5("client");
  client.subscribe("t");
  client.publish("t", "x", 2, 1);
  client.publish("nobody", "x", 2, 2);
  client.publish("nobody", "x", 2, 2, false, true);
  client.publish("secret", "x", 2, 3);
  assert.deepEqual(
    traffic(client).filter((line) => !line.startsWith("publish")),
    ["pubrec #1", "pubrec #2 0x10", "pubrec #2 0x10", "pubrec #3 0x87"],
  );
  client.sendBytes(frame(0x50, "0001 92"));
  assert.equal(client.ending(), "0x81");
});

test("[MQTT-3.6.1-1] PUBREL with other header bits than 2 is malformed", () => {
  for (const bits of [0, 1, 3, 6, 10, 15]) {
    const { from } = pair();
    from.publish("t", "x", 2, 1);
    from.take();
    from.sendBytes(frame(0x60 | bits, "0001"));
    assert.equal(from.ending(), "0x81", `${bits}`);
  }
});

test("[MQTT-3.6.2-1] PUBREL has a reason code of its table: 0x92 where nothing is known of the identifier", () => {
  const { to, from } = pair();
  to.send({ kind: "pubrec", packetId: 9 });
  assert.deepEqual(traffic(to), ["pubrel #9 0x92"]);
  from.publish("t", "x", 2, 1);
  to.take();
  to.send({ kind: "pubrec", packetId: 1 });
  assert.deepEqual(traffic(to), ["pubrel #1"]);
  to.sendBytes(frame(0x62, "0001 10"));
  assert.equal(to.ending(), "0x81");
});

test("[MQTT-3.7.2-1] PUBCOMP has a reason code of its table: 0x92 where nothing is known of the identifier", () => {
  const { from } = pair();
  from.send({ kind: "pubrel", packetId: 9 });
  from.publish("t", "x", 2, 1);
  from.send({ kind: "pubrel", packetId: 1 });
  from.send({ kind: "pubrel", packetId: 1 });
  assert.deepEqual(traffic(from), [
    "pubcomp #9 0x92",
    "pubrec #1",
    "pubcomp #1",
    "pubcomp #1 0x92",
  ]);
  from.sendBytes(frame(0x70, "0001 80"));
  assert.equal(from.ending(), "0x81");
});

test("[MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.5.2-2] [MQTT-3.5.2-3] [MQTT-3.6.2-2] [MQTT-3.6.2-3] [MQTT-3.7.2-2] [MQTT-3.7.2-3] [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2] acknowledgements have no properties unless somebody asks, so that none grows over a maximum packet size", () => {
  const access = new ScriptedAccess({
    mayPublish: (topic) => topic !== "secret",
    maySubscribe: (filter) => filter !== "secret",
  });
  const broker = new TestBroker({ access });
  const client = broker.connect5("client", { maximumPacketSize: 40 });
  client.subscribe("t", 2);
  const packets: Packet[] = [];
  const say = (packet: Packet): void => {
    client.send(packet);
    packets.push(...client.take());
  };
  for (const topic of ["t", "nobody", "secret"]) {
    client.publish(topic, "x", 1, 1);
    client.publish(topic, "x", 2, 2);
    packets.push(...client.take());
    say({ kind: "pubrel", packetId: 2 });
  }
  for (let packetId = 1; packetId < 4; packetId++) say({ kind: "pubrec", packetId: packetId + 10 });
  const filters = ["a", "secret", "t"];
  const subscriptions = filters.map((filter) => ({ filter, qos: 0 as const }));
  say({ kind: "subscribe", packetId: 3, subscriptions });
  say({ kind: "unsubscribe", packetId: 4, filters });
  const answers = packets.filter(({ kind }) => kind !== "publish");
  assert.deepEqual(
    new Set(answers.map(({ kind }) => kind)),
    new Set(["puback", "pubrec", "pubcomp", "pubrel", "suback", "unsuback"]),
  );
  assert.ok(answers.every((packet) => !("properties" in packet)));
});

test("[MQTT-4.3.1-1] a message of QoS 0 is sent once, without DUP", () => {
  const { broker, to, from } = pair(KEPT);
  from.publish("t", "x");
  assert.deepEqual(to.messages(), ["t=x"]);
  to.break();
  assert.deepEqual(broker.connect5("to", KEPT, { cleanStart: false }).take(), []);
});

test("[MQTT-4.3.2-1] [MQTT-4.3.2-2] a message of QoS 1 is sent under an identifier that is not in use, without DUP", () => {
  const { to, from } = pair();
  for (let n = 1; n <= 5; n++) from.publish("t", `${n}`, 1, n);
  const messages = to.publishes();
  assert.equal(new Set(messages.map(({ packetId }) => packetId)).size, 5);
  assert.ok(messages.every(({ dup, qos }) => !dup && qos === 1));
});

test("[MQTT-4.3.2-3] a message of QoS 1 is unacknowledged until its PUBACK", () => {
  const { broker, to, from } = pair(KEPT);
  from.publish("t", "1", 1, 1);
  from.publish("t", "2", 1, 2);
  to.send({ kind: "puback", packetId: 1 });
  to.send({ kind: "puback", packetId: 77 });
  to.break();
  assert.deepEqual(broker.connect5("to", KEPT, { cleanStart: false }).messages(), ["t=2 q1 dup"]);
});

test("[MQTT-4.3.2-4] a message of QoS 1 is acknowledged once those who keep it have it", () => {
  const broker = new TestBroker({ autoCommit: false });
  const to = broker.connect5("to", KEPT);
  to.subscribe("t", 1);
  const from = broker.connect5("from");
  broker.disk.commit();
  from.publish("t", "1", 1, 1);
  assert.deepEqual(traffic(from), []);
  to.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(traffic(from), ["puback #1"]);
  to.break();
  from.publish("t", "2", 1, 2);
  assert.deepEqual(traffic(from), []);
  broker.disk.commit();
  assert.deepEqual(traffic(from), ["puback #2"]);
});

test("[MQTT-4.3.2-5] after PUBACK a PUBLISH under the same identifier is a new message, DUP or not", () => {
  const { to, from } = pair();
  from.publish("t", "x", 1, 1);
  from.publish("t", "x", 1, 1, false, true);
  from.publish("t", "x", 1, 1);
  assert.equal(to.publishes().length, 3);
});

test("[MQTT-4.3.3-1] [MQTT-4.3.3-2] a message of QoS 2 is sent under an identifier that is not in use, without DUP", () => {
  const { to, from } = pair();
  for (let n = 1; n <= 5; n++) from.publish("t", `${n}`, 2, n);
  const messages = to.publishes();
  assert.equal(new Set(messages.map(({ packetId }) => packetId)).size, 5);
  assert.ok(messages.every(({ dup, qos }) => !dup && qos === 2));
});

test("[MQTT-4.3.3-3] a message of QoS 2 is unacknowledged until its PUBREC", () => {
  const { broker, to, from } = pair(KEPT);
  from.publish("t", "1", 2, 1);
  from.publish("t", "2", 2, 2);
  to.send({ kind: "pubrec", packetId: 1 });
  to.break();
  const back = broker.connect5("to", KEPT, { cleanStart: false });
  assert.deepEqual(traffic(back), ["pubrel #1", "publish #2 dup"]);
});

test("[MQTT-4.3.3-4] PUBREC is answered by PUBREL under the same identifier", () => {
  const { to, from } = pair();
  from.publish("t", "x", 2, 1);
  to.send({ kind: "pubrec", packetId: 1, reasonCode: 0x10 });
  assert.deepEqual(traffic(to), ["publish #1", "pubrel #1"]);
  // As often as it comes.
  to.send({ kind: "pubrec", packetId: 1 });
  assert.deepEqual(traffic(to), ["pubrel #1"]);
});

test("[MQTT-4.3.3-5] [MQTT-4.3.3-6] PUBREL is sent again until PUBCOMP, the PUBLISH before it never", () => {
  const { broker, to, from } = pair(KEPT);
  from.publish("t", "x", 2, 1);
  to.send({ kind: "pubrec", packetId: 1 });
  to.break();
  for (let n = 0; n < 2; n++) {
    const back = broker.connect5("to", KEPT, { cleanStart: false });
    assert.deepEqual(traffic(back), ["pubrel #1"]);
    back.break();
  }
  const later = broker.restart();
  const back = later.connect5("to", KEPT, { cleanStart: false });
  assert.deepEqual(traffic(back), ["pubrel #1"]);
  back.send({ kind: "pubcomp", packetId: 1 });
  back.break();
  assert.deepEqual(traffic(later.connect5("to", KEPT, { cleanStart: false })), []);
});

test("[MQTT-4.3.3-6] a PUBREC that comes before the PUBLISH could be sent again makes that unnecessary", () => {
  const { broker, to, from } = pair(KEPT);
  from.publish("t", "1", 2, 1);
  from.publish("t", "2", 2, 2);
  to.break();
  const small = { ...KEPT, receiveMaximum: 1 };
  const back = broker.connect5("to", small, { cleanStart: false });
  assert.deepEqual(traffic(back), ["publish #1 dup"]);
  back.send({ kind: "pubrec", packetId: 2 });
  assert.deepEqual(traffic(back), ["pubrel #2"]);
  back.send({ kind: "pubcomp", packetId: 2 });
  back.send({ kind: "pubrec", packetId: 1 });
  back.send({ kind: "pubcomp", packetId: 1 });
  assert.deepEqual(traffic(back), ["pubrel #1"]);
});

test("[MQTT-4.3.3-7] a message that has been sent does not expire any more", () => {
  const { broker, to, from } = pair(KEPT);
  from.publish("t", "x", 2, 1, false, false, { messageExpiryInterval: 1 });
  assert.deepEqual(traffic(to), ["publish #1"]);
  to.break();
  broker.clock.advance(60_000);
  const back = broker.connect5("to", KEPT, { cleanStart: false });
  assert.deepEqual(traffic(back), ["publish #1 dup"]);
  back.send({ kind: "pubrec", packetId: 1 });
  assert.deepEqual(traffic(back), ["pubrel #1"]);
});

test("[MQTT-4.3.3-8] a message of QoS 2 is answered with PUBREC once those who keep it have it", () => {
  const broker = new TestBroker({ autoCommit: false });
  const to = broker.connect5("to", KEPT);
  to.subscribe("t", 2);
  to.break();
  const from = broker.connect5("from");
  broker.disk.commit();
  from.publish("t", "x", 2, 1);
  assert.deepEqual(traffic(from), []);
  broker.disk.commit();
  assert.deepEqual(traffic(from), ["pubrec #1"]);
});

test("[MQTT-4.3.3-9] after a PUBREC of failure a PUBLISH under the same identifier is a new message", () => {
  const access = new ScriptedAccess({ mayPublish: () => false });
  const broker = new TestBroker({ access });
  const to = broker.connect5("to");
  to.subscribe("t", 2);
  const from = broker.connect5("from");
  from.publish("t", "1", 2, 1);
  access.change({});
  from.publish("t", "2", 2, 1);
  assert.deepEqual(traffic(from), ["pubrec #1 0x87", "pubrec #1"]);
  assert.deepEqual(to.messages(), ["t=2 q2"]);
});

test("[MQTT-4.3.3-10] until PUBREL a PUBLISH under the same identifier is answered, and not delivered again", () => {
  const { broker, to, from } = pair();
  from.publish("t", "x", 2, 1);
  from.publish("t", "x", 2, 1, false, true);
  from.publish("t", "x", 2, 1);
  assert.deepEqual(traffic(from), ["pubrec #1", "pubrec #1", "pubrec #1"]);
  from.break();
  const back = broker.connect5("from", KEPT, { cleanStart: false });
  back.publish("t", "x", 2, 1, false, true);
  assert.deepEqual(traffic(back), ["pubrec #1"]);
  assert.deepEqual(to.messages(), ["t=x q2"]);
});

test("[MQTT-4.3.3-10] that holds over a restart, too", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", KEPT);
  to.subscribe("t", 1);
  const from = broker.connect5("from", KEPT);
  from.publish("t", "x", 2, 1);
  to.break();
  const later = broker.restart();
  const back = later.connect5("from", KEPT, { cleanStart: false });
  back.publish("t", "x", 2, 1, false, true);
  back.send({ kind: "pubrel", packetId: 1 });
  assert.deepEqual(traffic(back), ["pubrec #1", "pubcomp #1"]);
  assert.equal(later.connect5("to", KEPT, { cleanStart: false }).publishes().length, 1);
});

test("[MQTT-4.3.3-11] PUBREL is answered by PUBCOMP under the same identifier, known or not", () => {
  const { from } = pair();
  from.publish("t", "x", 2, 7);
  for (const packetId of [7, 8]) from.send({ kind: "pubrel", packetId });
  assert.deepEqual(traffic(from), ["pubrec #7", "pubcomp #7", "pubcomp #8 0x92"]);
});

test("[MQTT-4.3.3-12] after PUBCOMP a PUBLISH under the same identifier is a new message", () => {
  const { to, from } = pair();
  for (let n = 1; n <= 2; n++) {
    from.publish("t", `${n}`, 2, 1, false, n === 2);
    from.send({ kind: "pubrel", packetId: 1 });
  }
  assert.deepEqual(to.messages(), ["t=1 q2", "t=2 q2"]);
});

test("[MQTT-4.3.3-13] the exchange of a message that has expired goes on to its end", () => {
  const { broker, from } = pair();
  const away = broker.connect5("away", KEPT);
  away.subscribe("t", 2);
  away.break();
  from.publish("t", "x", 2, 1, false, false, { messageExpiryInterval: 1 });
  broker.clock.advance(2000);
  from.publish("t", "x", 2, 1, false, true, { messageExpiryInterval: 1 });
  from.send({ kind: "pubrel", packetId: 1 });
  assert.deepEqual(traffic(from), ["pubrec #1", "pubrec #1", "pubcomp #1"]);
  assert.deepEqual(traffic(broker.connect5("away", KEPT, { cleanStart: false })), []);
});

test("[MQTT-4.4.0-1] PUBLISH and PUBREL are sent again under their identifiers when the client comes back, and at no other time", () => {
  const { broker, to, from } = pair(KEPT);
  for (let n = 1; n <= 4; n++) from.publish("t", `${n}`, n % 2 === 0 ? 2 : 1, n);
  to.send({ kind: "pubrec", packetId: 2 });
  assert.deepEqual(traffic(to), [
    "publish #1",
    "publish #2",
    "publish #3",
    "publish #4",
    "pubrel #2",
  ]);
  broker.clock.advance(10_000_000);
  assert.deepEqual(traffic(to), []);
  to.break();
  const back = broker.connect5("to", KEPT, { cleanStart: false });
  const again = ["publish #1 dup", "pubrel #2", "publish #3 dup", "publish #4 dup"];
  assert.deepEqual(traffic(back), again);
  back.break();
  const clean = broker.connect5("to", KEPT, { cleanStart: true });
  assert.deepEqual(traffic(clean), []);
});

test("[MQTT-4.4.0-1] they are so after a restart, too", () => {
  const broker = new TestBroker();
  const to = broker.connect5("to", KEPT);
  to.subscribe("t", 2);
  const from = broker.connect5("from");
  for (let n = 1; n <= 4; n++) from.publish("t", `${n}`, n % 2 === 0 ? 2 : 1, n);
  to.send({ kind: "pubrec", packetId: 2 });
  to.break();
  from.publish("t", "5", 1, 5);
  const back = broker.restart().connect5("to", KEPT, { cleanStart: false });
  assert.deepEqual(traffic(back), [
    "publish #1 dup",
    "pubrel #2",
    "publish #3 dup",
    "publish #4 dup",
    "publish #5",
  ]);
});

test("[MQTT-4.4.0-2] a PUBACK or PUBREC of failure acknowledges: the message is not sent again", () => {
  const { broker, to, from } = pair(KEPT);
  from.publish("t", "1", 1, 1);
  from.publish("t", "2", 2, 2);
  to.take();
  to.send({ kind: "puback", packetId: 1, reasonCode: 0x97 });
  to.send({ kind: "pubrec", packetId: 2, reasonCode: 0x83 });
  assert.deepEqual(traffic(to), []);
  to.break();
  assert.deepEqual(traffic(broker.connect5("to", KEPT, { cleanStart: false })), []);
});

test("an acknowledgement that does not fit the exchange is a protocol error, and loses nothing", () => {
  const wrong = [
    { qos: 1, steps: ["pubrec"] },
    { qos: 1, steps: ["pubcomp"] },
    { qos: 2, steps: ["puback"] },
    { qos: 2, steps: ["pubcomp"] },
    { qos: 2, steps: ["pubrec", "puback"] },
  ] as const;
  for (const { qos, steps } of wrong) {
    const { broker, to, from } = pair(KEPT);
    from.publish("t", "x", qos, 1);
    for (const kind of steps) to.send({ kind, packetId: 1 });
    assert.equal(to.ending(), "0x82", steps.join());
    to.break();
    const back = broker.connect5("to", KEPT, { cleanStart: false });
    assert.deepEqual(traffic(back), [steps.length === 1 ? "publish #1 dup" : "pubrel #1"]);
  }
});
