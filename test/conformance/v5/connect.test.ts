/** MQTT 5.0 chapter 3.1: CONNECT. Wills are in will.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { hex } from "../../kit/hex.ts";
import { field, frame, properties, rawConnect } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 100 };

/** How a connection fares whose first bytes are these. */
function afterFirst(bytes: Uint8Array, broker = new TestBroker()): string {
  const client = broker.dial(5);
  client.sendBytes(bytes);
  return client.ending();
}

function sessionPresent(client: TestClient): boolean | undefined {
  return client.connack?.kind === "connack" ? client.connack.sessionPresent : undefined;
}

test("[MQTT-3.1.0-1] a first packet that is not CONNECT closes the connection", () => {
  const others = ["20 03 000000", "30 04 0001 61 00", "82 06 0001 00 0001 61 00", "c000", "e000"];
  for (const bytes of [...others, "f000", "40 02 0001"]) {
    assert.equal(afterFirst(hex(bytes)), "closed", bytes);
  }
});

test("[MQTT-3.1.0-2] a second CONNECT is a protocol error", () => {
  const client = new TestBroker().connect5("client");
  client.send(connectPacket("client", { level: 5 }));
  assert.equal(client.ending(), "0x82");
});

test("[MQTT-3.1.2-1] a protocol name that is not MQTT closes the connection", () => {
  for (const name of ["MQTT ", "mqtt", "MQTX", "", "MQTTMQTT"]) {
    assert.equal(afterFirst(rawConnect({ level: 5, name })), "closed", name);
  }
});

test("[MQTT-3.1.2-2] a protocol version that is not served is refused with 0x84 in the form it knows", () => {
  const client = new TestBroker().dial(4);
  client.sendBytes(rawConnect({ level: 6 }));
  assert.deepEqual(client.take(), [{ kind: "connack", sessionPresent: false, returnCode: 1 }]);
  assert.equal(client.closed, true);
  const without5 = new TestBroker({ policy: { levels: [3, 4] } });
  assert.equal(afterFirst(rawConnect({ level: 5 }), without5), "0x84 connack");
});

test("[MQTT-3.1.2-3] a CONNECT whose reserved flag is set is malformed", () => {
  assert.equal(afterFirst(rawConnect({ level: 5, flags: 3 })), "closed");
});

test("[MQTT-3.1.2-4] [MQTT-3.1.4-4] Clean Start discards a session that there is, and begins a new one", () => {
  const broker = new TestBroker();
  const before = broker.connect5("client", KEPT);
  before.subscribe("t", 1);
  before.break();
  broker.connect5("other").publish("t", "lost", 1, 1);
  const after = broker.connect5("client", KEPT, { cleanStart: true });
  assert.equal(sessionPresent(after), false);
  broker.connect5("other").publish("t", "not subscribed", 1, 1);
  assert.deepEqual(after.take(), []);
});

test("[MQTT-3.1.2-5] without Clean Start a session that there is goes on", () => {
  const broker = new TestBroker();
  const before = broker.connect5("client", KEPT);
  before.subscribe("t", 1);
  before.break();
  broker.connect5("other").publish("t", "kept", 1, 1);
  const after = broker.connect5("client", KEPT, { cleanStart: false });
  assert.equal(sessionPresent(after), true);
  assert.deepEqual(after.messages(), ["t=kept q1"]);
});

test("[MQTT-3.1.2-6] without Clean Start and without a session a new one is made", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", KEPT, { cleanStart: false });
  assert.equal(sessionPresent(client), false);
  client.subscribe("t");
  client.publish("t", "x");
  assert.deepEqual(client.messages(), ["t=x"]);
});

test("[MQTT-3.1.2-9] with the will flag set, will properties, topic and payload must be there", () => {
  const will = ["00", field("w"), field("x")];
  const whole = rawConnect({ level: 5, flags: 6, payload: ["00", field("a"), ...will] });
  assert.equal(afterFirst(whole), "open");
  for (let given = 0; given < will.length; given++) {
    const payload = ["00", field("a"), ...will.slice(0, given)];
    assert.equal(afterFirst(rawConnect({ level: 5, flags: 6, payload })), "closed", `${given}`);
  }
});

test("[MQTT-3.1.2-11] [MQTT-3.1.2-13] without the will flag, will QoS and will retain must be 0", () => {
  for (const flags of [0x0a, 0x12, 0x1a, 0x22]) {
    assert.equal(afterFirst(rawConnect({ level: 5, flags })), "closed", `${flags}`);
  }
});

test("[MQTT-3.1.2-12] will QoS is 0, 1 or 2", () => {
  const payload = ["00", field("a"), "00", field("w"), field("x")];
  for (const qos of [0, 1, 2]) {
    assert.equal(afterFirst(rawConnect({ level: 5, flags: 6 | (qos << 3), payload })), "open");
  }
  assert.equal(afterFirst(rawConnect({ level: 5, flags: 6 | (3 << 3), payload })), "closed");
});

test("[MQTT-3.1.2-16] [MQTT-3.1.2-17] a user name is there if and only if its flag says so", () => {
  const named = ["00", field("a"), field("user")];
  assert.equal(afterFirst(rawConnect({ level: 5, flags: 0x82, payload: named })), "open");
  assert.equal(afterFirst(rawConnect({ level: 5, flags: 0x02, payload: named })), "closed");
  assert.equal(afterFirst(rawConnect({ level: 5, flags: 0x82 })), "closed");
});

test("[MQTT-3.1.2-18] [MQTT-3.1.2-19] a password is there if and only if its flag says so, with or without a user name", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  const secret = ["00", field("a"), field("secret")];
  assert.equal(afterFirst(rawConnect({ level: 5, flags: 0x42, payload: secret }), broker), "open");
  assert.equal(access.asked[0]?.username, undefined);
  assert.deepEqual(access.asked[0]?.password, new TextEncoder().encode("secret"));
  assert.equal(afterFirst(rawConnect({ level: 5, flags: 0x02, payload: secret })), "closed");
  assert.equal(afterFirst(rawConnect({ level: 5, flags: 0x42 })), "closed");
});

test("[MQTT-3.1.2-22] a client that is silent for one and a half keep alive times is taken for lost", () => {
  const broker = new TestBroker();
  const watcher = broker.connect5("watcher");
  watcher.subscribe("will");
  const will = { topic: "will", payload: hex("78"), qos: 0, retain: false } as const;
  const client = broker.connect5("client", {}, { keepAlive: 10, will });
  broker.clock.advance(14_999);
  client.send({ kind: "pingreq" });
  broker.clock.advance(14_999);
  assert.equal(client.closed, false);
  broker.clock.advance(1);
  assert.equal(client.ending(), "0x8d");
  assert.deepEqual(watcher.messages(), ["will=x"]);
  // 0 is no supervision.
  const silent = broker.connect5("silent", {}, { keepAlive: 0 });
  broker.clock.advance(1_000_000_000);
  assert.equal(silent.closed, false);
});

test("[MQTT-3.1.2-22] it is whole packets that count, not the bytes of one that never ends", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", {}, { keepAlive: 10 });
  client.sendBytes(hex("30 e80f 0001 74 00"));
  for (let second = 1; second < 15; second++) {
    broker.clock.advance(1000);
    client.sendBytes(hex("78"));
    assert.equal(client.closed, false);
  }
  broker.clock.advance(1000);
  assert.equal(client.ending(), "0x8d");
});

test("[MQTT-3.1.2-23] a session with an expiry interval outlives its connection, and a restart", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", { sessionExpiryInterval: 0xffffffff });
  client.subscribe("t", 1);
  client.break();
  broker.connect5("other").publish("t", "x", 1, 1);
  const later = broker.restart();
  later.clock.advance(100 * 365 * 86_400_000);
  const again = later.connect5("client", KEPT, { cleanStart: false });
  assert.equal(sessionPresent(again), true);
  assert.deepEqual(again.messages(), ["t=x q1"]);
});

test("[MQTT-3.1.2-24] no packet is longer than the client's maximum, one of just that length is sent", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", { maximumPacketSize: 30 });
  client.subscribe("t", 0);
  client.subscribe("u", 1);
  const sender = broker.connect5("sender");
  const length = (payload: number): number => 2 + 3 + 1 + payload;
  for (const payload of [24, 25, 10]) sender.publish("t", "x".repeat(payload));
  assert.deepEqual(
    client.publishes().map(({ payload }) => length(payload.length)),
    [30, 16],
  );
  sender.publish("u", "x".repeat(23), 1, 1);
  sender.publish("u", "x".repeat(22), 1, 2);
  assert.deepEqual(
    client.publishes().map(({ payload }) => length(payload.length) + 2),
    [30],
  );
  // The answer to a SUBSCRIBE of many filters, too.
  const subscriptions = Array.from({ length: 40 }, (_, n) => ({
    filter: `f/${n}`,
    qos: 0 as const,
  }));
  client.send({ kind: "subscribe", packetId: 1, subscriptions });
  assert.equal(client.ending(), "0x95");
});

test("[MQTT-3.1.2-25] a message that is too long for a client counts as delivered to it", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", { maximumPacketSize: 30, receiveMaximum: 1, ...KEPT });
  const other = broker.connect5("other");
  client.subscribe("t", 2);
  other.subscribe("t", 2);
  const sender = broker.connect5("sender");
  sender.publish("t", "x".repeat(100), 1, 1);
  assert.deepEqual(sender.take(), [{ kind: "puback", packetId: 1 }]);
  sender.publish("t", "x".repeat(100), 2, 2);
  sender.publish("t", "short", 2, 3);
  assert.deepEqual(client.messages(), ["t=short q2"]);
  assert.equal(other.publishes().length, 3);
  client.break();
  assert.deepEqual(broker.connect5("client", KEPT, { cleanStart: false }).messages(), [
    "t=short q2 dup",
  ]);
});

test("a client that takes no packet as long as CONNACK is closed without it, and its session is free", () => {
  const broker = new TestBroker();
  const client = broker.dial(5);
  client.send(connectPacket("client", { level: 5, properties: { maximumPacketSize: 5 } }));
  assert.equal(client.ending(), "closed");
  assert.equal(broker.broker.connected, 0);
  assert.equal(broker.broker.sessions.size, 0);
});

test("[MQTT-3.1.2-26] the server uses no topic alias above the client's maximum", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", { topicAliasMaximum: 2 });
  client.subscribe("#");
  const sender = broker.connect5("sender");
  for (const topic of ["a", "b", "c", "a", "b", "c", "d"]) sender.publish(topic, "");
  assert.deepEqual(
    client.publishes().map(({ topic, properties }) => [topic, properties?.topicAlias]),
    [
      ["a", 1],
      ["b", 2],
      ["c", undefined],
      ["", 1],
      ["", 2],
      ["c", undefined],
      ["d", undefined],
    ],
  );
});

test("[MQTT-3.1.2-27] without a maximum, or with 0, the server uses no topic alias", () => {
  for (const limits of [{}, { topicAliasMaximum: 0 }]) {
    const broker = new TestBroker();
    const client = broker.connect5("client", limits);
    client.subscribe("#");
    for (let n = 0; n < 3; n++) client.publish("a", "");
    assert.deepEqual(
      client.publishes().map(({ topic, properties }) => [topic, properties]),
      Array.from({ length: 3 }, () => ["a", undefined]),
    );
  }
});

test("[MQTT-3.1.2-28] who does not ask for Response Information gets none", () => {
  for (const asked of [{}, { requestResponseInformation: 0 }, { requestResponseInformation: 1 }]) {
    const { connack } = new TestBroker().connect5("client", asked);
    assert.equal(connack?.kind === "connack" && connack.properties?.responseInformation, undefined);
  }
});

/** Has a client with these properties refused in every packet that can refuse; answers these packets. */
function refusals(properties: Properties): Packet[] {
  const nothing = () => false;
  const rights = { mayPublish: nothing, maySubscribe: nothing, mayUnsubscribe: nothing };
  const broker = new TestBroker({ access: new ScriptedAccess(rights) });
  const client = broker.connect5("client", properties);
  client.publish("t", "x", 1, 1);
  client.publish("t", "x", 2, 2);
  client.send({ kind: "pubrel", packetId: 9 });
  client.send({ kind: "pubrec", packetId: 9 });
  const filters = ["t", "u"];
  const subscriptions = filters.map((filter) => ({ filter, qos: 0 as const }));
  client.send({ kind: "subscribe", packetId: 3, subscriptions });
  client.send({ kind: "unsubscribe", packetId: 4, filters: ["u"] });
  client.sendBytes(hex("0000"));
  return client.take();
}

const REFUSING = ["puback", "pubrec", "pubcomp", "pubrel", "suback", "unsuback", "disconnect"];

test("[MQTT-3.1.2-29] who does not want problem information gets it in no packet, nor who has not asked for it", () => {
  for (const asked of [{ requestProblemInformation: 0 }, {}]) {
    const packets = refusals(asked);
    assert.deepEqual(
      packets.map(({ kind }) => kind),
      REFUSING,
    );
    for (const packet of packets) assert.equal("properties" in packet, false, packet.kind);
  }
});

test("who asks for problem information is told what was wrong in every packet that refuses", () => {
  const packets = refusals({ requestProblemInformation: 1 });
  assert.deepEqual(
    packets.map((packet) => [
      packet.kind,
      "properties" in packet && packet.properties?.reasonString,
    ]),
    [
      ["puback", 'Publishing to "t" is not allowed.'],
      ["pubrec", 'Publishing to "t" is not allowed.'],
      ["pubcomp", "The packet identifier is not in use."],
      ["pubrel", "The packet identifier is not in use."],
      ["suback", 'Subscribing to "t" and 1 more is not allowed.'],
      ["unsuback", 'Ending the subscription to "u" is not allowed.'],
      ["disconnect", "Packet type 0 does not exist."],
    ],
  );
});

test("[MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.6.2-2] [MQTT-3.7.2-2] [MQTT-3.9.2-1] [MQTT-3.11.2-1] a reason string that makes an answer too long for the client is left out", () => {
  const packets = refusals({ requestProblemInformation: 1, maximumPacketSize: 20 });
  assert.deepEqual(
    packets.map(({ kind }) => kind),
    REFUSING,
  );
  for (const packet of packets) assert.equal("properties" in packet, false, packet.kind);
});

test("[MQTT-3.1.3-1] the fields of the payload come in their order, each as its flag says", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  const watcher = broker.connect5("watcher");
  watcher.subscribe("w");
  const payload = [
    "00",
    field("client"),
    properties("03", field("text")),
    field("w"),
    field("will"),
    field("user"),
    field("secret"),
  ];
  const client = broker.dial(5);
  client.sendBytes(rawConnect({ level: 5, flags: 0xc6, payload }));
  const asked = access.asked.at(-1);
  assert.deepEqual([asked?.clientId, asked?.username], ["client", "user"]);
  assert.deepEqual(asked?.password, new TextEncoder().encode("secret"));
  client.break();
  const [message] = watcher.publishes();
  assert.deepEqual(message?.payload, new TextEncoder().encode("will"));
  assert.equal(message?.properties?.contentType, "text");
});

test("[MQTT-3.1.3-2] the client identifier tells sessions apart, byte for byte", () => {
  const broker = new TestBroker();
  for (const id of ["one", "One", "one "]) broker.connect5(id, KEPT).subscribe(`t/${id}`, 1);
  assert.equal(broker.broker.sessions.size, 3);
  assert.equal(broker.broker.connected, 3);
});

test("[MQTT-3.1.3-3] a CONNECT without a client identifier field is malformed", () => {
  assert.equal(afterFirst(rawConnect({ level: 5, payload: ["00"] })), "closed");
});

test("[MQTT-3.1.3-4] a client identifier is UTF-8", () => {
  for (const bad of ["ff", "00", "eda080", "c0af"]) {
    const payload = ["00", field(hex(bad))];
    assert.equal(afterFirst(rawConnect({ level: 5, payload })), "closed", bad);
  }
});

test("[MQTT-3.1.3-5] client identifiers of 1 to 23 letters and digits are taken, and longer ones", () => {
  const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const broker = new TestBroker();
  for (let length = 1; length <= 23; length++) {
    const { connack } = broker.connect5(letters.slice(-length));
    assert.equal(connack?.kind === "connack" && connack.returnCode, 0);
  }
  const { connack } = broker.connect5("x".repeat(60_000));
  assert.equal(connack?.kind === "connack" && connack.returnCode, 0);
});

test("[MQTT-3.1.3-6] [MQTT-3.1.3-7] a client without an identifier gets one of its own, and is told", () => {
  const broker = new TestBroker();
  const names = [true, false, true].map((cleanStart) => {
    const client = broker.connect5("", KEPT, { cleanStart });
    assert.equal(sessionPresent(client), false);
    const name =
      client.connack?.kind === "connack" && client.connack.properties?.assignedClientIdentifier;
    if (typeof name !== "string") assert.fail("no client identifier was assigned");
    client.subscribe("t", 1);
    client.break();
    return name;
  });
  assert.equal(new Set(names).size, 3);
  for (const name of names) {
    assert.equal(sessionPresent(broker.connect5(name, KEPT, { cleanStart: false })), true);
  }
});

test("[MQTT-3.1.3-8] a client identifier that is not let in is refused with 0x85", () => {
  const policies = [{ refuseEmptyClientId: true }, { clientIdPrefixes: ["sensor-"] }];
  for (const policy of policies) {
    const broker = new TestBroker({ policy });
    assert.equal(
      afterFirst(rawConnect({ level: 5, payload: ["00", field("")] }), broker),
      "0x85 connack",
    );
  }
});

test("[MQTT-3.1.3-11] a will topic is UTF-8, and a topic name", () => {
  const withTopic = (topic: Uint8Array | string) =>
    rawConnect({
      level: 5,
      flags: 6,
      payload: ["00", field("a"), "00", field(topic), field("x")],
    });
  for (const bad of ["ff", "00", "eda080"])
    assert.equal(afterFirst(withTopic(hex(bad))), "closed", bad);
  for (const topic of ["", "a/+", "#"]) {
    assert.equal(afterFirst(withTopic(topic)), "0x81 connack", topic);
  }
  assert.equal(afterFirst(withTopic("/".repeat(300))), "0x90 connack");
});

test("[MQTT-3.1.3-12] a user name is UTF-8", () => {
  for (const bad of ["ff", "00", "eda080"]) {
    const payload = ["00", field("a"), field(hex(bad))];
    assert.equal(afterFirst(rawConnect({ level: 5, flags: 0x82, payload })), "closed", bad);
  }
});

test("[MQTT-3.1.4-1] a CONNECT that does not have the form of one closes the connection", () => {
  const good = rawConnect({ level: 5 });
  for (let length = 0; length < good.length - 2; length++) {
    // As long as it says, and cut off.
    const short = frame(0x10, good.slice(2, 2 + length));
    assert.equal(afterFirst(short), "closed", `${length}`);
  }
  assert.equal(afterFirst(frame(0x10, good.slice(2), "00")), "closed");
});

test("[MQTT-3.1.4-2] a client that is not let in gets a CONNACK that says why, and is closed", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  for (const reason of [0x86, 0x87, 0x89, 0x8a] as const) {
    access.refusal = reason;
    assert.equal(afterFirst(rawConnect({ level: 5 }), broker), `0x${reason.toString(16)} connack`);
  }
  const closed = new TestBroker({ allowAnonymous: false });
  assert.equal(afterFirst(rawConnect({ level: 5 }), closed), "0x87 connack");
  assert.equal(closed.broker.sessions.size, 0);
});

test("[MQTT-3.1.4-3] who comes with an identifier in use takes the session over; the other is told 0x8E", () => {
  const broker = new TestBroker();
  const first = broker.connect5("client", KEPT);
  first.subscribe("t", 1);
  const second = broker.connect5("client", KEPT, { cleanStart: false });
  assert.equal(first.ending(), "0x8e");
  assert.equal(sessionPresent(second), true);
  broker.connect5("other").publish("t", "x", 1, 1);
  assert.deepEqual(second.messages(), ["t=x q1"]);
  // One of 3.1.1 is closed without a word.
  const old = broker.connect("client", { cleanStart: false });
  assert.equal(second.ending(), "0x8e");
  broker.connect5("client");
  assert.equal(old.ending(), "closed");
});

test("[MQTT-3.1.4-5] a CONNECT that is accepted is answered with CONNACK 0x00", () => {
  const client = new TestBroker().dial(5);
  client.send(connectPacket("client", { level: 5 }));
  const [connack, ...others] = client.take();
  assert.equal(connack?.kind === "connack" && connack.returnCode, 0);
  assert.deepEqual(others, []);
});

test("[MQTT-3.1.4-6] what follows a CONNECT that is refused is not processed", () => {
  const broker = new TestBroker({ allowAnonymous: false });
  broker.broker.announce("t", hex("6f6c64"), true);
  const client = broker.dial(5);
  const rest = [frame(0x31, field("t"), "00", "6e6577"), frame(0x82, "0001 00", field("#"), "00")];
  client.sendBytes(Buffer.concat([rawConnect({ level: 5 }), ...rest]));
  assert.equal(client.ending(), "0x87 connack");
  assert.equal(broker.broker.subscriptions.count, 0);
  assert.deepEqual(
    broker.broker.retained
      .find("t", 0)
      .map((match) => new TextDecoder().decode(broker.broker.retained.read(match)?.payload)),
    ["old"],
  );
});
