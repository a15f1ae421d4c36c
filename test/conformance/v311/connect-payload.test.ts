/** MQTT 3.1.1 §3.1.3, §3.1.4 and §3.2: the payload of CONNECT, and how it is answered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { hex } from "../../kit/hex.ts";
import { cutFrames, field, frame, joined, rawConnect } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;
const IDENTIFIER_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

const WILL = { topic: "will", payload: new Uint8Array(0), qos: 0, retain: false } as const;

test("[MQTT-3.1.3-1] the payload's fields are client identifier, will topic, will message, user name, password", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  const watcher = broker.connect("w");
  watcher.subscribe("#");
  const client = broker.dial();
  const payload = ["id", "topic", "message", "user", "password"].map((text) => field(text));
  client.sendBytes(rawConnect({ flags: 0xc6, payload }));
  assert.equal(broker.broker.sessions.has("id"), true);
  const asked = access.asked.at(-1);
  assert.equal(asked?.username, "user");
  assert.equal(new TextDecoder().decode(asked?.password), "password");
  client.break();
  assert.deepEqual(watcher.messages(), ["topic=message"]);
});

test("[MQTT-3.1.3-2] the client identifier names the session, and differs by every character", () => {
  const broker = new TestBroker();
  const ids = ["a", "A", "a ", " a", "aa", "a/", "\u00e9", "e\u0301", "a".repeat(300)];
  for (const [index, id] of ids.entries()) {
    const client = broker.connect(id, KEPT);
    client.subscribe(`t/${index}`, 1);
    client.break();
  }
  assert.equal(broker.broker.sessions.size, ids.length);
  const publisher = broker.connect("p");
  for (const index of ids.keys()) publisher.publish(`t/${index}`, "x", 1, index + 1);
  for (const [index, id] of ids.entries()) {
    const back = broker.connect(id, KEPT);
    assert.deepEqual(back.connack, { kind: "connack", sessionPresent: true, returnCode: 0 });
    assert.deepEqual(back.messages(), [`t/${index}=x q1`]);
  }
});

test("[MQTT-3.1.3-3] a CONNECT without a client identifier closes the connection", () => {
  for (const payload of [[], ["00"], ["0001"]]) {
    const client = new TestBroker().dial();
    client.sendBytes(rawConnect({ payload }));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
  }
});

test("[MQTT-3.1.3-4] a client identifier that is not UTF-8 closes the connection", () => {
  const client = new TestBroker().dial();
  client.sendBytes(rawConnect({ payload: [field(hex("c328"))] }));
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
});

test("[MQTT-3.1.3-5] identifiers of 1 to 23 of the characters 0-9, a-z and A-Z are allowed", () => {
  const broker = new TestBroker();
  const long = Array.from({ length: 23 }, (_, count) => IDENTIFIER_CHARACTERS.slice(0, count + 1));
  for (const id of [...IDENTIFIER_CHARACTERS, ...long, IDENTIFIER_CHARACTERS.slice(-23)]) {
    const client = broker.connect(id);
    assert.deepEqual(client.connack, { kind: "connack", sessionPresent: false, returnCode: 0 }, id);
    assert.equal(broker.broker.sessions.has(id), true);
  }
});

test("[MQTT-3.1.3-6] a client without an identifier gets one of its own, and is served like any other", () => {
  const broker = new TestBroker();
  const clients = Array.from({ length: 50 }, () => broker.connect(""));
  assert.equal(broker.broker.sessions.size, 50);
  assert.equal(broker.broker.sessions.has(""), false);
  for (const client of clients) client.subscribe("t");
  clients[0]?.publish("t", "x");
  for (const client of clients) assert.deepEqual(client.messages(), ["t=x"]);
});

test("[MQTT-3.1.3-8] no identifier and no clean session is refused by return code 2 and closed", () => {
  const broker = new TestBroker();
  const client = broker.dial();
  client.sendBytes(rawConnect({ flags: 0, payload: [field("")] }));
  assert.deepEqual(client.wire.take(), hex("2002 0002"));
  assert.equal(client.closed, true);
  assert.equal(broker.broker.sessions.size, 0);
});

test("[MQTT-3.1.3-9] an identifier that the server does not allow is refused by return code 2 and closed", () => {
  const prefixed = new TestBroker({ policy: { clientIdPrefixes: ["site-7."] } });
  for (const id of ["site-8.pump", "pump", "site-7"]) {
    const client = prefixed.dial();
    client.send(connectPacket(id));
    assert.deepEqual(client.wire.take(), hex("2002 0002"));
    assert.equal(client.closed, true);
  }
  assert.equal(prefixed.connect("site-7.pump").closed, false);
  const strict = new TestBroker({ policy: { refuseEmptyClientId: true } }).dial();
  strict.send(connectPacket(""));
  assert.deepEqual(strict.wire.take(), hex("2002 0002"));
  assert.equal(strict.closed, true);
});

test("[MQTT-3.1.3-10] a will topic that is not UTF-8 closes the connection", () => {
  const client = new TestBroker().dial();
  const payload = [field("c"), field(hex("c328")), field("gone")];
  client.sendBytes(rawConnect({ flags: 0x06, payload }));
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
});

test("[MQTT-3.1.3-11] a user name that is not UTF-8 closes the connection", () => {
  const client = new TestBroker().dial();
  client.sendBytes(rawConnect({ flags: 0x82, payload: [field("c"), field(hex("c328"))] }));
  assert.equal(client.closed, true);
  assert.deepEqual(client.take(), []);
});

const NOT_CONFORMING: Readonly<Record<string, Uint8Array>> = {
  "an empty body": hex("10 00"),
  "a protocol name cut off": hex("10 03 0004 4d"),
  "no protocol level": hex("10 06 0004 4d515454"),
  "no connect flags": hex("10 07 0004 4d515454 04"),
  "no keep alive": hex("10 08 0004 4d515454 04 02"),
  "half a keep alive": hex("10 09 0004 4d515454 04 02 00"),
  "no client identifier": hex("10 0a 0004 4d515454 04 02 0000"),
  "bytes after the last field": rawConnect({ payload: [field("c"), "00"] }),
  "a reserved flag": rawConnect({ flags: 0x03 }),
  "reserved header bits": joined("1f", rawConnect().subarray(1)),
  "a will QoS of 3": rawConnect({ flags: 0x1e, payload: [field("c"), field("w"), field("")] }),
  "a password without a user name": rawConnect({ flags: 0x42, payload: [field("c"), field("")] }),
  "a control character in the identifier": rawConnect({ payload: [field("a\u0007")] }),
};

test("[MQTT-3.1.4-1] a CONNECT that does not conform closes the connection without CONNACK", () => {
  for (const [what, bytes] of Object.entries(NOT_CONFORMING)) {
    const broker = new TestBroker();
    const client = broker.dial();
    client.sendBytes(bytes);
    assert.equal(client.closed, true, what);
    assert.deepEqual(client.take(), [], what);
    assert.equal(broker.broker.sessions.size, 0, what);
  }
});

test("[MQTT-3.1.4-2] an identifier that is connected already closes the connection before", () => {
  for (const cleanStart of [true, false]) {
    const broker = new TestBroker();
    const first = broker.connect("a", { cleanStart });
    const second = broker.connect("a", { cleanStart });
    assert.equal(first.closed, true);
    assert.deepEqual(first.take(), []);
    assert.equal(second.closed, false);
    assert.equal(broker.broker.connected, 1);
  }
});

test("[MQTT-3.1.4-3] clean session is carried out as asked for, after a takeover, too", () => {
  const broker = new TestBroker();
  const first = broker.connect("a", KEPT);
  first.subscribe("t", 1);
  const second = broker.connect("a", KEPT);
  assert.deepEqual(second.connack, { kind: "connack", sessionPresent: true, returnCode: 0 });
  broker.connect("p").publish("t", "1", 1, 1);
  assert.deepEqual(second.messages(), ["t=1 q1"]);
  const third = broker.connect("a", { cleanStart: true });
  assert.deepEqual(third.connack, { kind: "connack", sessionPresent: false, returnCode: 0 });
  broker.connect("p").publish("t", "2", 1, 1);
  assert.deepEqual(third.messages(), []);
});

test("[MQTT-3.1.4-4] a CONNECT that is accepted is answered by CONNACK with return code 0", () => {
  const client = new TestBroker().dial();
  client.sendBytes(rawConnect());
  assert.deepEqual(client.wire.take(), hex("2002 0000"));
  assert.equal(client.closed, false);
});

test("[MQTT-3.1.4-5] what follows a CONNECT that is refused is not processed", () => {
  const publish = frame(0x31, field("t"), "78");
  const refusals: readonly (readonly [TestBroker, Uint8Array])[] = [
    [new TestBroker(), rawConnect({ level: 6 })],
    [new TestBroker(), rawConnect({ flags: 0, payload: [field("")] })],
    [new TestBroker({ allowAnonymous: false }), rawConnect()],
    [new TestBroker(), rawConnect({ flags: 0x03 })],
  ];
  for (const [broker, connect] of refusals) {
    const client = broker.dial();
    client.sendBytes(joined(connect, publish, publish));
    client.sendBytes(publish);
    assert.equal(client.closed, true);
    assert.equal(broker.broker.retained.count, 0);
    assert.equal(broker.broker.counters.publishReceived, 0);
  }
});

test("[MQTT-3.2.0-1] the first packet from the server is CONNACK, whatever waits for the client", () => {
  const broker = new TestBroker();
  const client = broker.connect("a", KEPT);
  client.subscribe("t", 2);
  const publisher = broker.connect("p");
  for (const qos of [1, 2] as const) publisher.publish("t", `${qos}`, qos, qos);
  client.break();
  publisher.publish("t", "queued", 1, 3);
  const back = broker.dial();
  back.send(connectPacket("a", KEPT));
  const kinds = back.take().map(({ kind }) => kind);
  assert.deepEqual(kinds, ["connack", "publish", "publish", "publish"]);
});

test("[MQTT-3.2.2-1] with clean session, session present is 0", () => {
  const broker = new TestBroker();
  broker.connect("a", KEPT).break();
  const client = broker.dial();
  client.send(connectPacket("a"));
  assert.deepEqual(client.wire.take(), hex("2002 0000"));
});

test("[MQTT-3.2.2-2] without clean session, session present is 1 where there is a stored session", () => {
  const broker = new TestBroker();
  broker.connect("a", KEPT).break();
  const client = broker.restart().dial();
  client.send(connectPacket("a", KEPT));
  assert.deepEqual(client.wire.take(), hex("2002 0100"));
});

test("[MQTT-3.2.2-3] without a stored session, session present is 0", () => {
  const broker = new TestBroker();
  broker.connect("b", KEPT).break();
  broker.connect("a").break();
  const client = broker.dial();
  client.send(connectPacket("a", KEPT));
  assert.deepEqual(client.wire.take(), hex("2002 0000"));
});

test("[MQTT-3.2.2-4] a return code that is not 0 comes with session present 0", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  broker.connect("a", KEPT).break();
  for (const [reason, returnCode] of [
    [Reason.clientIdentifierNotValid, 2],
    [Reason.serverUnavailable, 3],
    [Reason.badUserNameOrPassword, 4],
    [Reason.notAuthorized, 5],
  ] as const) {
    access.refusal = reason;
    const client = broker.dial();
    client.send(connectPacket("a", KEPT));
    const [connack] = cutFrames(client.wire.take());
    assert.deepEqual([...(connack?.body ?? [])], [0, returnCode]);
  }
});

test("[MQTT-3.2.2-5] a return code that is not 0 is followed by the end of the connection", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  for (const refusal of [Reason.serverBusy, Reason.badUserNameOrPassword, Reason.notAuthorized]) {
    access.refusal = refusal;
    const client = broker.dial();
    client.send(connectPacket("a"));
    assert.equal(client.take().length, 1);
    assert.equal(client.closed, true);
  }
  assert.equal(broker.broker.connected, 0);
});

test("[MQTT-3.2.2-6] where no return code fits, the connection is closed without CONNACK", () => {
  const noRetained = new TestBroker({ options: { retainAvailable: false } });
  const upToQos1 = new TestBroker({ policy: { maxQos: 1 } });
  const refused: readonly (readonly [TestBroker, typeof WILL | object])[] = [
    [new TestBroker(), { ...WILL, topic: "a/#" }],
    [new TestBroker(), { ...WILL, topic: "" }],
    [new TestBroker(), { ...WILL, topic: "/".repeat(200) }],
    [noRetained, { ...WILL, retain: true }],
    [upToQos1, { ...WILL, qos: 2 }],
  ];
  for (const [broker, will] of refused) {
    const client = broker.dial();
    client.send(connectPacket("a", { will: { ...WILL, ...will } }));
    assert.equal(client.closed, true);
    assert.deepEqual(client.take(), []);
  }
});
