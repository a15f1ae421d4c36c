/** MQTT 5.0 chapters 3.12 to 3.14, 4.1 and 4.13: PINGREQ, DISCONNECT, the end of sessions, and errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet } from "../../../src/mqtt/packets.ts";
import { hex } from "../../kit/hex.ts";
import { cutFrames, field, frame } from "../../kit/raw-packets.ts";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

/** DISCONNECT with this session expiry interval. */
function leaving(sessionExpiryInterval?: number): Packet {
  const properties = sessionExpiryInterval === undefined ? undefined : { sessionExpiryInterval };
  return { kind: "disconnect", properties };
}

/** For how many seconds a session is there after DISCONNECT; Infinity if after a century. */
function kept(connected: number, disconnected?: number): number {
  const broker = new TestBroker();
  const client = broker.connect5("client", { sessionExpiryInterval: connected });
  client.send(leaving(disconnected));
  assert.equal(client.ending(), "closed");
  for (const seconds of [0, 10, 20, 30]) {
    broker.clock.advanceTo(seconds * 1000);
    if (!broker.broker.sessions.has("client")) return seconds;
    broker.clock.advanceTo(seconds * 1000 + 999);
  }
  broker.clock.advance(100 * 365 * 86_400_000);
  return broker.broker.sessions.has("client") ? Infinity : Number.NaN;
}

test("[MQTT-3.12.4-1] PINGREQ is answered by PINGRESP", () => {
  const client = new TestBroker().connect5("client");
  client.send({ kind: "pingreq" });
  assert.deepEqual(client.take(), [{ kind: "pingresp" }]);
});

test("[MQTT-3.14.0-1] there is no DISCONNECT before a CONNACK of success", () => {
  const firsts = [
    "c000",
    "10 0e 0004 4d515454 05 02 003c 00 0000 00",
    "10 0d 0004 4d515454 05 03 003c 00 0000",
    "10 ffffff7f",
    "30 8080808001",
  ];
  for (const bytes of firsts) {
    const client = new TestBroker().dial(5);
    client.sendBytes(hex(bytes));
    assert.equal(client.closed, true);
    assert.equal(
      cutFrames(client.wire.take()).some(({ header }) => header >>> 4 === 14),
      false,
      bytes,
    );
  }
  const refused = new TestBroker({ allowAnonymous: false }).dial(5);
  refused.send(connectPacket("client", { level: 5 }));
  refused.sendBytes(hex("30 8080808001"));
  assert.equal(refused.ending(), "0x87 connack");
  const silent = new TestBroker();
  const nobody = silent.dial(5);
  silent.clock.advance(60_000);
  assert.equal(nobody.ending(), "closed");
});

test("[MQTT-3.14.1-1] DISCONNECT with reserved header bits is answered with DISCONNECT 0x81", () => {
  for (let bits = 1; bits < 16; bits++) {
    const client = new TestBroker().connect5("client");
    client.sendBytes(new Uint8Array([0xe0 | bits, 0]));
    assert.equal(client.ending(), "0x81");
  }
});

/** Table 3-10. */
const DISCONNECT_REASONS = [
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95,
  0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
];

/** Those of the table that a client may send. */
const OF_CLIENTS = [
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
];

test("[MQTT-3.14.2-1] DISCONNECT has a reason code of its table; of a client one for clients, any other is malformed", () => {
  for (let reasonCode = 0; reasonCode < 256; reasonCode++) {
    const client = new TestBroker().connect5("client");
    client.sendBytes(frame(0xe0, new Uint8Array([reasonCode])));
    const known = DISCONNECT_REASONS.includes(reasonCode);
    const expected = OF_CLIENTS.includes(reasonCode) ? "closed" : known ? "0x82" : "0x81";
    assert.equal(client.ending(), expected, `${reasonCode}`);
  }
});

test("a DISCONNECT that only a server may send does not take the will back", () => {
  const properties = { serverReference: "elsewhere" };
  const wrong: readonly Packet[] = [
    { kind: "disconnect", reasonCode: 0x8b },
    { kind: "disconnect", reasonCode: 0x00, properties },
  ];
  for (const packet of wrong) {
    const broker = new TestBroker();
    const watcher = broker.connect5("watcher");
    watcher.subscribe("will");
    const will = { topic: "will", payload: hex("78"), qos: 0, retain: false } as const;
    const client = broker.connect5("client", {}, { will });
    client.send(packet);
    assert.equal(client.ending(), "0x82");
    assert.deepEqual(watcher.messages(), ["will=x"]);
  }
});

test("[MQTT-3.14.2-2] [MQTT-3.14.2-3] [MQTT-3.14.2-4] DISCONNECT of the server has no properties for who asks for none", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", { sessionExpiryInterval: 10, maximumPacketSize: 30 });
  broker.connect5("client");
  assert.deepEqual(client.take(), [{ kind: "disconnect", reasonCode: 0x8e }]);
  const bad = broker.connect5("bad", { sessionExpiryInterval: 10 });
  bad.sendBytes(hex("0000"));
  assert.deepEqual(bad.take(), [{ kind: "disconnect", reasonCode: 0x81 }]);
});

test("[MQTT-3.14.4-1] [MQTT-3.14.4-2] after its DISCONNECT the server sends nothing more, and closes", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", { sessionExpiryInterval: 10 });
  client.subscribe("t", 1);
  client.sendBytes(
    Buffer.concat([hex("f0 01 19"), hex("c000"), frame(0x32, field("t"), "0001 00")]),
  );
  broker.connect5("other").publish("t", "x", 1, 1);
  assert.deepEqual(client.take(), [{ kind: "disconnect", reasonCode: 0x82 }]);
  assert.equal(client.closed, true);
});

test("[MQTT-3.14.4-1] after the client's DISCONNECT the server reads nothing more", () => {
  const broker = new TestBroker();
  const other = broker.connect5("other");
  other.subscribe("t");
  const client = broker.connect5("client");
  client.sendBytes(Buffer.concat([hex("e000"), frame(0x30, field("t"), "00")]));
  assert.deepEqual(other.messages(), []);
  assert.equal(client.ending(), "closed");
});

test("[MQTT-4.1.0-1] a session is not discarded as long as its client is there", () => {
  const broker = new TestBroker({ options: { sessionExpiry: 1000 } });
  const client = broker.connect5("client", { sessionExpiryInterval: 1 });
  client.subscribe("t");
  broker.clock.advance(1_000_000);
  client.publish("t", "x");
  assert.deepEqual(client.messages(), ["t=x"]);
});

test("[MQTT-4.1.0-2] a session ends when its expiry interval has passed since the connection closed", () => {
  assert.equal(kept(0), 0);
  assert.equal(kept(20), 20);
  assert.equal(kept(0xffffffff), Infinity);
});

test("[MQTT-4.1.0-2] DISCONNECT may say anew how long the session is kept", () => {
  assert.equal(kept(20, 0), 0);
  assert.equal(kept(20, 10), 10);
  assert.equal(kept(20, 30), 30);
  assert.equal(kept(20, 0xffffffff), Infinity);
  assert.equal(kept(0xffffffff, 10), 10);
});

test("DISCONNECT cannot prolong a session that was to end with the connection", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client");
  client.send(leaving(10));
  assert.equal(client.ending(), "0x82");
  assert.equal(broker.broker.sessions.size, 0);
  const none = broker.connect5("client");
  none.send(leaving(0));
  assert.equal(none.ending(), "closed");
});

test("a session that ends leaves nothing in the store", () => {
  const broker = new TestBroker();
  for (const end of [leaving(0), leaving(1)]) {
    const client = broker.connect5("client", { sessionExpiryInterval: 5 });
    client.subscribe("t", 2);
    client.publish("t", "1", 2, 1);
    client.publish("t", "2", 1, 2);
    client.publish("t", "3", 0, 0);
    client.send(end);
    broker.clock.advance(1000);
    broker.disk.commit();
    assert.deepEqual(broker.disk.records(), []);
  }
});

test("a kept session that comes back not to be kept ends with its connection, and leaves nothing in the store", () => {
  const broker = new TestBroker();
  const first = broker.connect5("client", { sessionExpiryInterval: 5 });
  first.subscribe("t", 2);
  first.publish("t", "1", 2, 1);
  first.break();
  const second = broker.connect5("client", {}, { cleanStart: false });
  assert.deepEqual(second.messages(), ["t=1 q2 dup"]);
  second.break();
  broker.disk.commit();
  assert.equal(broker.broker.sessions.size, 0);
  assert.deepEqual(broker.disk.records(), []);
});

test("the time that a session has been away runs on over a restart, and changes with each connection", () => {
  const broker = new TestBroker();
  broker.connect5("client", { sessionExpiryInterval: 100 }).break();
  broker.clock.advance(60_000);
  const later = broker.restart();
  later.clock.advance(39_999);
  const back = later.connect5("client", { sessionExpiryInterval: 10 }, { cleanStart: false });
  assert.equal(back.connack?.kind === "connack" && back.connack.sessionPresent, true);
  back.break();
  later.clock.advance(9_999);
  assert.equal(later.broker.sessions.size, 1);
  later.clock.advance(1);
  assert.equal(later.broker.sessions.size, 0);
});

test("[MQTT-3.14.2-3] a reason string that makes DISCONNECT too long for the client is left out", () => {
  const sent = [30, 100].map((maximumPacketSize) => {
    const limits = { maximumPacketSize, requestProblemInformation: 1 };
    const client = new TestBroker().connect5("client", limits);
    client.sendBytes(hex("36 06 0001 74 0001 00"));
    return client.take();
  });
  const reasonString = "PUBLISH with QoS 3.";
  assert.deepEqual(sent, [
    [{ kind: "disconnect", reasonCode: 0x81, properties: { reasonString } }],
    [{ kind: "disconnect", reasonCode: 0x81, properties: { reasonString } }],
  ]);
  const tight = { maximumPacketSize: 20, requestProblemInformation: 1 };
  const client = new TestBroker().connect5("client", tight);
  client.sendBytes(hex("36 06 0001 74 0001 00"));
  assert.deepEqual(client.take(), [{ kind: "disconnect", reasonCode: 0x81 }]);
});

/** Each with what ends the connection, and the reason that the client is told. */
const VIOLATIONS: readonly (readonly [what: string, bytes: Uint8Array, reason: string])[] = [
  ["a second CONNECT", frame(0x10, field("MQTT"), "05 02 0000 00", field("x")), "0x82"],
  ["CONNACK", frame(0x20, "0000 00"), "0x82"],
  ["SUBACK", frame(0x90, "0001 00 00"), "0x82"],
  ["UNSUBACK", frame(0xb0, "0001 00 00"), "0x82"],
  ["PINGRESP", hex("d000"), "0x82"],
  ["AUTH without a method", frame(0xf0, "18"), "0x82"],
  ["packet type 0", hex("0000"), "0x81"],
  ["reserved bits", hex("c100"), "0x81"],
  ["a remaining length of five bytes", hex("30 8080808001"), "0x81"],
  ["a packet beyond the maximum", hex("30 ffff7f"), "0x95"],
  ["QoS 3", frame(0x36, field("t"), "0001 00"), "0x81"],
  ["an unknown property", frame(0x30, field("t"), "02 0400"), "0x81"],
  ["a property twice", frame(0x30, field("t"), "04 0100 0100"), "0x82"],
  ["a property that does not belong there", frame(0x30, field("t"), "03 210001"), "0x82"],
  ["an empty topic name", frame(0x30, field(""), "00"), "0x82"],
  ["a topic alias over the maximum", frame(0x30, field("t"), "03 2300ff"), "0x94"],
  ["an unknown topic alias", frame(0x30, field(""), "03 230001"), "0x82"],
  ["a wildcard in a topic name", frame(0x30, field("a/#"), "00"), "0x81"],
  ["a topic name of too many levels", frame(0x30, field("/".repeat(300)), "00"), "0x90"],
  ["an ill-formed topic filter", frame(0x82, "0001 00", field("a#"), "00"), "0x81"],
  ["an empty topic filter", frame(0x82, "0001 00", field(""), "00"), "0x81"],
  [
    "a topic filter of too many levels",
    frame(0x82, "0001 00", field("/".repeat(300)), "00"),
    "0x8f",
  ],
  ["SUBSCRIBE without filters", frame(0x82, "0001 00"), "0x82"],
  ["UNSUBSCRIBE without filters", frame(0xa2, "0001 00"), "0x82"],
  ["UNSUBSCRIBE from an ill-formed filter", frame(0xa2, "0001 00", field("a#")), "0x81"],
  ["packet identifier 0", frame(0x32, field("t"), "0000 00"), "0x82"],
];

test("[MQTT-4.13.1-1] whatever is malformed or a protocol error ends the connection, with a reason", () => {
  for (const [what, bytes, reason] of VIOLATIONS) {
    const broker = new TestBroker();
    const watcher = broker.connect5("watcher");
    watcher.subscribe("will");
    const will = { topic: "will", payload: hex("78"), qos: 0, retain: false } as const;
    const client = broker.connect5("client", {}, { will });
    client.sendBytes(bytes);
    assert.equal(client.ending(), reason, what);
    // Such an end is none that the client wanted.
    assert.deepEqual(watcher.messages(), ["will=x"], what);
    assert.equal(broker.broker.connected, 1, what);
  }
});

test("[MQTT-4.13.2-1] a reason code of 0x80 and above in CONNACK or DISCONNECT closes the connection", () => {
  const refused = new TestBroker({ allowAnonymous: false }).dial(5);
  refused.send(connectPacket("client", { level: 5 }));
  assert.equal(refused.ending(), "0x87 connack");
  for (const reasonCode of OF_CLIENTS) {
    const client = new TestBroker().connect5("client");
    client.send({ kind: "disconnect", reasonCode });
    assert.equal(client.ending(), "closed");
  }
});
