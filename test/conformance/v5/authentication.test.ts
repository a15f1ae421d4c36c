/** MQTT 5.0 §3.15 and §4.12: AUTH and enhanced authentication. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectPacket, Packet } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import { hex } from "../../kit/hex.ts";
import { field, frame, properties, rawConnect } from "../../kit/raw-packets.ts";
import { bytesOf, METHOD, ScriptedExchanges } from "../../kit/scripted-exchange.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";

const CONTINUE = Reason.continueAuthentication;
const AGAIN = Reason.reauthenticate;

/** A broker whose access control knows the method "WORDS". */
function stand(): { broker: TestBroker; access: ScriptedExchanges } {
  const access = new ScriptedExchanges();
  return { broker: new TestBroker({ access }), access };
}

/** A client that has sent CONNECT with the method and these words. */
function begin(
  broker: TestBroker,
  words: string | undefined,
  more: Properties = {},
  fields: Partial<ConnectPacket> = {},
): TestClient {
  const client = broker.dial(5);
  const authenticationData = words === undefined ? undefined : bytesOf(words);
  const asked = { authenticationMethod: METHOD, authenticationData, ...more };
  client.send(connectPacket("c", { level: 5, properties: asked, ...fields }));
  return client;
}

function auth(client: TestClient, words: string, reasonCode: number = CONTINUE): void {
  const asked = { authenticationMethod: METHOD, authenticationData: bytesOf(words) };
  client.send({ kind: "auth", reasonCode, properties: asked });
}

/** What has come, in short: "auth 24 WORDS: more". */
function told(client: TestClient): string[] {
  return client.take().map(inShort);
}

function inShort(packet: Packet): string {
  const { authenticationMethod: method, authenticationData: data } =
    ("properties" in packet ? packet.properties : undefined) ?? {};
  const said = method === undefined ? "" : ` ${method}`;
  const with_ = data === undefined ? "" : `: ${new TextDecoder().decode(data)}`;
  if (packet.kind === "connack") return `connack ${packet.returnCode}${said}${with_}`;
  if (packet.kind === "auth" || packet.kind === "disconnect") {
    return `${packet.kind} ${packet.reasonCode ?? 0}${said}${with_}`;
  }
  return packet.kind;
}

test("[MQTT-4.12.0-1] an unknown method is refused with 0x8C and closed", () => {
  for (const broker of [new TestBroker(), stand().broker]) {
    const client = broker.dial(5);
    const asked = { authenticationMethod: "NOTHING" };
    client.send(connectPacket("c", { level: 5, properties: asked }));
    assert.deepEqual(told(client), ["connack 140"]);
    assert.equal(client.closed, true);
    assert.equal(broker.broker.sessions.size, 0);
  }
});

test("[MQTT-4.12.0-2] the broker asks for more by AUTH with reason code 0x18", () => {
  const { broker } = stand();
  const client = begin(broker, "ask more");
  assert.deepEqual(told(client), ["auth 24 WORDS: more"]);
  assert.equal(client.closed, false);
});

test("[MQTT-4.12.0-3] a client goes on by AUTH with 0x18; any other reason code is a protocol error", () => {
  const { broker } = stand();
  const client = begin(broker, "ask one");
  auth(client, "ask two");
  auth(client, "be ada");
  assert.deepEqual(told(client), [
    "auth 24 WORDS: one",
    "auth 24 WORDS: two",
    "connack 0 WORDS: welcome ada",
  ]);
  for (const reasonCode of [Reason.success, AGAIN]) {
    const other = begin(broker, "ask one");
    auth(other, "be ada", reasonCode);
    assert.deepEqual(told(other), ["auth 24 WORDS: one", "connack 130"]);
    assert.equal(other.closed, true);
  }
});

test("[MQTT-4.12.0-4] the broker may refuse at any step: CONNACK of 0x80 or more, and the end", () => {
  const { broker, access } = stand();
  const early = begin(broker, "fail");
  assert.deepEqual(told(early), ["connack 135"]);
  const late = begin(broker, "ask more");
  auth(late, "fail");
  assert.deepEqual(told(late), ["auth 24 WORDS: more", "connack 135"]);
  access.refusal = Reason.serverBusy;
  const proved = begin(broker, "be ada");
  assert.deepEqual(told(proved), ["connack 137"]);
  for (const client of [early, late, proved]) assert.equal(client.closed, true);
  assert.equal(access.abandoned, 0, "whoever refuses knows that it is over");
});

test("[MQTT-4.12.0-5] every AUTH and the CONNACK name the method; a client's AUTH without it or with another is a protocol error", () => {
  const { broker, access } = stand();
  for (const method of [undefined, "OTHER", "words"]) {
    const client = begin(broker, "ask more");
    const asked = { authenticationMethod: method, authenticationData: bytesOf("be ada") };
    client.send({ kind: "auth", reasonCode: CONTINUE, properties: asked });
    assert.deepEqual(told(client), ["auth 24 WORDS: more", "connack 130"], String(method));
    assert.equal(client.closed, true);
  }
  assert.equal(access.abandoned, 3);
});

test("[MQTT-4.12.0-6] without a method in CONNECT neither AUTH nor a method comes back", () => {
  const { broker } = stand();
  const client = broker.connect5("c");
  assert.equal(client.connack?.kind, "connack");
  assert.equal(inShort(client.connack as Packet), "connack 0");
});

test("[MQTT-4.12.0-7] AUTH of a client that named no method is a protocol error", () => {
  for (const reasonCode of [CONTINUE, AGAIN]) {
    const { broker } = stand();
    const client = broker.connect5("c");
    auth(client, "be ada", reasonCode);
    assert.deepEqual(told(client), ["disconnect 130"]);
    assert.equal(client.closed, true);
  }
});

test("[MQTT-4.12.1-1] re-authentication is by the same method, and only once the client is in", () => {
  const { broker } = stand();
  const client = begin(broker, "be ada");
  auth(client, "ask more", AGAIN);
  auth(client, "be ada");
  assert.deepEqual(told(client), [
    "connack 0 WORDS: welcome ada",
    "auth 24 WORDS: more",
    "auth 0 WORDS: welcome ada",
  ]);
  client.send({
    kind: "auth",
    reasonCode: AGAIN,
    properties: { authenticationMethod: "OTHER" },
  });
  assert.deepEqual(told(client), ["disconnect 130"]);
  assert.equal(client.closed, true);
});

test("[MQTT-4.12.1-2] a re-authentication that fails ends the connection with DISCONNECT", () => {
  const { broker, access } = stand();
  const watcher = broker.connect5("w");
  watcher.subscribe("will");
  const will = { topic: "will", payload: bytesOf("gone"), qos: 0, retain: false } as const;
  const client = begin(broker, "be ada", {}, { will });
  auth(client, "ask more", AGAIN);
  auth(client, "fail");
  assert.deepEqual(told(client).slice(1), ["auth 24 WORDS: more", "disconnect 135"]);
  assert.equal(client.closed, true);
  assert.deepEqual(watcher.messages(), ["will=gone"]);
  // A reason that DISCONNECT does not have becomes one that it has.
  access.failure = Reason.badUserNameOrPassword;
  const other = begin(broker, "be ada");
  auth(other, "fail", AGAIN);
  assert.deepEqual(told(other).slice(1), ["disconnect 135"]);
  access.failure = Reason.serverBusy;
  const busy = begin(broker, "be ada");
  auth(busy, "fail", AGAIN);
  assert.deepEqual(told(busy).slice(1), ["disconnect 137"]);
});

test("[MQTT-3.15.1-1] AUTH with reserved bits set is malformed", () => {
  const { broker } = stand();
  const body = [hex("18"), properties("15", field(METHOD))];
  for (let flags = 1; flags < 16; flags++) {
    const client = begin(broker, "be ada");
    told(client);
    client.sendBytes(frame(0xf0 | flags, ...body));
    assert.deepEqual(told(client), ["disconnect 129"]);
    assert.equal(client.closed, true);
    const early = begin(broker, "ask more");
    told(early);
    early.sendBytes(frame(0xf0 | flags, ...body));
    assert.equal(early.closed, true);
  }
});

test("[MQTT-3.15.2-1] AUTH with a reason code that AUTH does not have is malformed", () => {
  const { broker } = stand();
  for (const code of [0x01, 0x17, 0x1a, 0x80, 0x87, 0xff]) {
    const client = begin(broker, "be ada");
    told(client);
    client.sendBytes(frame(0xf0, new Uint8Array([code]), properties("15", field(METHOD))));
    assert.deepEqual(told(client), ["disconnect 129"], String(code));
  }
  // Remaining Length 0 stands for success, which only a server says.
  const client = begin(broker, "be ada");
  told(client);
  client.sendBytes(hex("f000"));
  assert.deepEqual(told(client), ["disconnect 130"]);
});

test("[MQTT-3.15.2-2] [MQTT-3.15.2-3] [MQTT-3.1.2-24] no AUTH is longer than the client takes, nor has texts to leave out", () => {
  const { broker } = stand();
  const word = "x".repeat(1000);
  const small = begin(broker, `ask ${word}`, { maximumPacketSize: 1000 });
  assert.deepEqual(told(small), ["connack 149"]);
  assert.equal(small.closed, true);
  const large = begin(broker, `ask ${word}`, { maximumPacketSize: 1030 });
  const [packet] = large.take();
  assert.equal(packet?.kind, "auth");
  assert.deepEqual(packet.kind === "auth" && Object.keys(packet.properties ?? {}), [
    "authenticationMethod",
    "authenticationData",
  ]);
});

test("[MQTT-3.1.2-30] before CONNACK only AUTH and DISCONNECT may come", () => {
  const early: readonly Packet[] = [
    { kind: "subscribe", packetId: 1, subscriptions: [{ filter: "#", qos: 0 }] },
    { kind: "unsubscribe", packetId: 1, filters: ["#"] },
    { kind: "pingreq" },
    { kind: "puback", packetId: 1 },
    {
      kind: "publish",
      topic: "t",
      payload: bytesOf("x"),
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
    },
  ];
  const { broker, access } = stand();
  const watcher = broker.connect5("w");
  watcher.subscribe("#");
  for (const packet of early) {
    const client = begin(broker, "ask more");
    client.send(packet);
    assert.deepEqual(told(client), ["auth 24 WORDS: more", "connack 130"], packet.kind);
    assert.equal(client.closed, true);
  }
  const client = begin(broker, "ask more");
  client.send({ kind: "disconnect" });
  assert.deepEqual(told(client), ["auth 24 WORDS: more"]);
  assert.equal(client.closed, true);
  assert.equal(access.abandoned, early.length + 1);
  assert.deepEqual(watcher.messages(), []);
  assert.deepEqual([...broker.broker.sessions.keys()], ["w"]);
});

test("a second CONNECT in the middle of an exchange is a protocol error [MQTT-3.1.0-2]", () => {
  const { broker, access } = stand();
  const client = begin(broker, "ask more");
  client.send(connectPacket("d", { level: 5 }));
  assert.equal(client.closed, true);
  assert.equal(access.abandoned, 1);
});

test("authentication data without a method is a protocol error, in CONNECT and in AUTH", () => {
  const { broker } = stand();
  const client = broker.dial(5);
  client.sendBytes(
    rawConnect({ level: 5, payload: [properties("16", field("be ada")), field("c")] }),
  );
  assert.equal(client.closed, true);
  const other = begin(broker, "ask more");
  told(other);
  other.sendBytes(frame(0xf0, "18", properties("16", field("be ada"))));
  assert.deepEqual(told(other), ["connack 130"]);
});

test("CONNECT without data begins an exchange, too", () => {
  const { broker } = stand();
  assert.deepEqual(told(begin(broker, undefined)), ["auth 24 WORDS: nothing"]);
});

test("a step may take its time: what the client sends waits, in its order", () => {
  const { broker, access } = stand();
  const client = begin(broker, "later ask more");
  assert.deepEqual(told(client), []);
  auth(client, "later be ada");
  assert.deepEqual(told(client), []);
  access.answerNow();
  assert.deepEqual(told(client), ["auth 24 WORDS: more"]);
  access.answerNow();
  assert.deepEqual(told(client), ["connack 0 WORDS: welcome ada"]);
  client.send({ kind: "pingreq" });
  assert.deepEqual(told(client), ["pingresp"]);
});

test("an exchange whose packets come in pieces goes on as one whose packets come whole", () => {
  const { broker } = stand();
  const whole = begin(broker, "ask more");
  auth(whole, "be ada");
  const expected = told(whole);
  const client = broker.dial(5);
  const asked = properties("15", field(METHOD), "16", field("ask more"));
  const answer = properties("15", field(METHOD), "16", field("be ada"));
  const bytes = [
    ...rawConnect({ level: 5, payload: [asked, field("d")] }),
    ...frame(0xf0, "18", answer),
  ];
  for (const byte of bytes) client.sendBytes(new Uint8Array([byte]));
  assert.deepEqual(told(client), expected);
});

test("the time for CONNECT covers the whole exchange", () => {
  const { broker, access } = stand();
  const client = begin(broker, "ask more");
  broker.clock.advance(6_000);
  auth(client, "later be ada");
  broker.clock.advance(3_999);
  assert.equal(client.closed, false);
  broker.clock.advance(1);
  assert.equal(client.closed, true);
  assert.equal(access.abandoned, 1);
  access.answerNow();
  assert.equal(broker.broker.sessions.size, 0);
});

test("an exchange is abandoned once when its client goes", () => {
  const { broker, access } = stand();
  const client = begin(broker, "later be ada");
  client.break();
  assert.equal(access.abandoned, 1);
  access.answerNow();
  assert.equal(broker.broker.sessions.size, 0);
  const live = begin(broker, "be ada");
  auth(live, "ask more", AGAIN);
  live.break();
  assert.equal(access.abandoned, 2);
});

test("the session belongs to whom the exchange has proved, with the rights of that name", () => {
  const { broker, access } = stand();
  access.rights = { ...access.rights, mayPublish: (topic) => topic === "mine" };
  const watcher = broker.connect5("w");
  watcher.subscribe("#");
  const client = begin(broker, "be ada", {}, { username: "ada", password: bytesOf("p") });
  client.publish("mine", "1");
  client.publish("other", "2");
  assert.deepEqual(watcher.messages(), ["mine=1"]);
  assert.equal(broker.broker.sessions.get("c")?.username, "ada");
  assert.equal(access.begun[0]?.username, "ada");
  assert.deepEqual(access.begun[0]?.password, bytesOf("p"));
});

test("a re-authentication renews the rights, and drops what may not be received any more", () => {
  const { broker, access } = stand();
  const client = begin(broker, "be ada", { receiveMaximum: 1 });
  client.takeConnack();
  client.subscribe("#", 1);
  const publisher = broker.connect5("p");
  publisher.publish("open", "1", 1, 1);
  publisher.publish("secret", "2", 1, 2);
  publisher.publish("open", "3", 1, 3);
  access.rights = { ...access.rights, mayReceive: (topic) => topic === "open" };
  auth(client, "be ada", AGAIN);
  assert.deepEqual(client.messages(), ["open=1 q1"]);
  client.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(client.messages(), ["open=3 q1"]);
});

test("a re-authentication as somebody else is refused: the session is not theirs", () => {
  const { broker } = stand();
  const client = begin(broker, "be ada");
  auth(client, "be bob", AGAIN);
  assert.deepEqual(told(client).slice(1), ["disconnect 135"]);
  assert.equal(client.closed, true);
});

test("during a re-authentication everything else goes on, with the rights there were", () => {
  const { broker, access } = stand();
  const client = begin(broker, "be ada");
  client.takeConnack();
  client.subscribe("#");
  auth(client, "later be ada", AGAIN);
  client.publish("t", "x");
  client.send({ kind: "pingreq" });
  assert.deepEqual(told(client), ["publish", "pingresp"]);
  access.answerNow();
  assert.deepEqual(told(client), ["auth 0 WORDS: welcome ada"]);
});

test("AUTH that nobody waits for is a protocol error", () => {
  const { broker } = stand();
  const idle = begin(broker, "be ada");
  auth(idle, "be ada");
  assert.deepEqual(told(idle).slice(1), ["disconnect 130"]);
  const impatient = begin(broker, "be ada");
  auth(impatient, "later be ada", AGAIN);
  auth(impatient, "be ada");
  assert.deepEqual(told(impatient).slice(1), ["disconnect 130"]);
  const twice = begin(broker, "be ada");
  auth(twice, "ask more", AGAIN);
  auth(twice, "ask more", AGAIN);
  assert.deepEqual(told(twice).slice(1), ["auth 24 WORDS: more", "disconnect 130"]);
});

test("a re-authentication that is never finished ends after the time for CONNECT", () => {
  const { broker, access } = stand();
  const client = begin(broker, "be ada");
  auth(client, "ask more", AGAIN);
  broker.clock.advance(9_999);
  assert.equal(client.closed, false);
  broker.clock.advance(1);
  assert.deepEqual(told(client).slice(1), ["auth 24 WORDS: more", "disconnect 135"]);
  assert.equal(access.abandoned, 1);
  const other = begin(broker, "be ada");
  auth(other, "be ada", AGAIN);
  broker.clock.advance(60_000);
  assert.equal(other.closed, false);
});

test("a method that is there no more ends a re-authentication", () => {
  const { broker, access } = stand();
  const client = begin(broker, "be ada");
  access.available = false;
  auth(client, "be ada", AGAIN);
  assert.deepEqual(told(client).slice(1), ["disconnect 135"]);
});

test("AUTH is malformed before MQTT 5.0", () => {
  const client = stand().broker.connect("c");
  client.sendBytes(hex("f000"));
  assert.equal(client.closed, true);
});
