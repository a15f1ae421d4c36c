/** MQTT 5.0 chapter 3.2: CONNACK, and what the server must do about the limits that it says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { hex, toHex } from "../../kit/hex.ts";
import { cutFrames, field, frame } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 100 };

function answered({ connack }: TestClient): Properties {
  return (connack?.kind === "connack" && connack.properties) || {};
}

test("[MQTT-3.2.0-1] CONNACK comes before anything else that waits for the client", () => {
  const broker = new TestBroker();
  const before = broker.connect5("client", KEPT);
  before.subscribe("t", 1);
  before.break();
  broker.connect5("other").publish("t", "x", 1, 1);
  const client = broker.dial(5);
  client.send(connectPacket("client", { level: 5, cleanStart: false, properties: KEPT }));
  assert.deepEqual(
    client.take().map(({ kind }) => kind),
    ["connack", "publish"],
  );
});

test("[MQTT-3.2.0-2] there is one CONNACK in a connection", () => {
  const client = new TestBroker().connect5("client");
  client.send(connectPacket("client", { level: 5 }));
  assert.deepEqual(
    client.take().map(({ kind }) => kind),
    ["disconnect"],
  );
});

test("[MQTT-3.2.2-1] the reserved bits of the acknowledge flags are 0", () => {
  const broker = new TestBroker();
  for (const expected of [0, 1]) {
    const client = broker.dial(5);
    client.send(connectPacket("client", { level: 5, cleanStart: false, properties: KEPT }));
    assert.equal(cutFrames(client.wire.take())[0]?.body[0], expected);
    client.break();
  }
});

test("[MQTT-3.2.2-2] [MQTT-3.2.2-3] Session Present says whether there was a session, and is 0 after a clean start", () => {
  const broker = new TestBroker();
  const seen = [false, true, false, true].map((again) => {
    const client = broker.connect5("client", KEPT, { cleanStart: !again });
    client.break();
    return client.connack?.kind === "connack" && client.connack.sessionPresent;
  });
  assert.deepEqual(seen, [false, true, false, true]);
  broker.clock.advance(100_000);
  const late = broker.connect5("client", KEPT, { cleanStart: false });
  assert.equal(late.connack?.kind === "connack" && late.connack.sessionPresent, false);
});

test("[MQTT-3.2.2-6] a CONNACK of refusal has Session Present 0, session or not", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access });
  broker.connect5("client", KEPT).break();
  access.refusal = 0x87;
  const client = broker.dial(5);
  client.send(connectPacket("client", { level: 5, cleanStart: false, properties: KEPT }));
  assert.deepEqual(client.take(), [{ kind: "connack", sessionPresent: false, returnCode: 0x87 }]);
});

test("[MQTT-3.2.2-7] a CONNACK of refusal is followed by the end of the connection", () => {
  const client = new TestBroker({ allowAnonymous: false }).dial(5);
  client.send(connectPacket("client", { level: 5 }));
  assert.equal(client.ending(), "0x87 connack");
});

/** Table 3-1. */
const CONNECT_REASONS = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
  0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
];

test("[MQTT-3.2.2-8] CONNACK has a reason code of its table, whatever a client is refused for", () => {
  const will = { topic: "w", payload: hex("78"), qos: 1, retain: true } as const;
  const refusals = [
    { policy: { levels: [4] as const } },
    { policy: { refuseEmptyClientId: true }, fields: { clientId: "" } },
    { policy: { maxQos: 0 as const }, fields: { will } },
    { options: { retainAvailable: false }, fields: { will } },
    { fields: { will: { ...will, topic: "a/+" } } },
    { fields: { will: { ...will, topic: "/".repeat(300) } } },
    { fields: { properties: { authenticationMethod: "none such" } } },
    { options: { maxConnections: 1 } },
    { options: { maxClients: 1 } },
    { allowAnonymous: false },
  ];
  const seen = refusals.map(({ fields = {}, ...settings }) => {
    const broker = new TestBroker(settings);
    if ("options" in settings) broker.dial(5).send(connectPacket("first", { level: 5 }));
    const client = broker.dial(5);
    client.send(connectPacket("client", { level: 5, ...fields }));
    const [connack] = client.take();
    return connack?.kind === "connack" ? connack.returnCode : undefined;
  });
  for (const [index, code] of seen.entries()) {
    assert.ok(
      code !== undefined && code >= 0x80 && CONNECT_REASONS.includes(code),
      `${index}: ${code}`,
    );
  }
});

test("[MQTT-3.2.2-9] [MQTT-3.2.2-10] a listener that does not serve QoS 2 says so, and takes SUBSCRIBE of any QoS", () => {
  for (const maxQos of [0, 1] as const) {
    const broker = new TestBroker({ policy: { maxQos } });
    const client = broker.connect5("client");
    assert.equal(answered(client).maximumQos, maxQos);
    assert.deepEqual(client.subscribe("t", 2), [maxQos]);
  }
  assert.equal(answered(new TestBroker().connect5("client")).maximumQos, undefined);
});

test("[MQTT-3.2.2-11] a PUBLISH above the maximum QoS ends the connection with 0x9B", () => {
  const broker = new TestBroker({ policy: { maxQos: 1 } });
  const client = broker.connect5("client");
  client.publish("t", "x", 1, 1);
  assert.deepEqual(
    client.take().map(({ kind }) => kind),
    ["puback"],
  );
  client.publish("t", "x", 2, 2);
  assert.equal(client.ending(), "0x9b");
});

test("[MQTT-3.2.2-12] a will above the maximum QoS is refused with 0x9B", () => {
  const will = { topic: "w", payload: hex("78"), qos: 1, retain: false } as const;
  const client = new TestBroker({ policy: { maxQos: 0 } }).dial(5);
  client.send(connectPacket("client", { level: 5, will }));
  assert.equal(client.ending(), "0x9b connack");
});

test("[MQTT-3.2.2-13] a retained will is refused with 0x9A where there are no retained messages", () => {
  const will = { topic: "w", payload: hex("78"), qos: 1, retain: true } as const;
  const client = new TestBroker({ options: { retainAvailable: false } }).dial(5);
  client.send(connectPacket("client", { level: 5, will }));
  assert.equal(client.ending(), "0x9a connack");
});

test("[MQTT-3.2.2-14] a retained PUBLISH ends the connection with 0x9A where there are no retained messages", () => {
  const broker = new TestBroker({ options: { retainAvailable: false } });
  const client = broker.connect5("client");
  assert.equal(answered(client).retainAvailable, 0);
  client.publish("t", "x", 0, 0, true);
  assert.equal(client.ending(), "0x9a");
});

test("[MQTT-3.2.2-15] a packet above the maximum packet size ends the connection with 0x95", () => {
  const broker = new TestBroker({ options: { maxPacketSize: 50 } });
  const client = broker.connect5("client");
  assert.equal(answered(client).maximumPacketSize, 50);
  client.sendBytes(frame(0x30, field("t"), "00", new Uint8Array(44)));
  assert.equal(client.closed, false);
  client.sendBytes(frame(0x30, field("t"), "00", new Uint8Array(45)));
  assert.equal(client.ending(), "0x95");
  // Before its bytes are there.
  const early = broker.connect5("early");
  early.sendBytes(hex("30 ffffff7f"));
  assert.equal(early.ending(), "0x95");
});

test("[MQTT-3.2.2-16] a client without an identifier is told the one that it gets, which is nobody else's", () => {
  const broker = new TestBroker();
  const assigned = Array.from(
    { length: 20 },
    () => answered(broker.connect5("")).assignedClientIdentifier,
  );
  assert.equal(new Set(assigned).size, 20);
  assert.equal(assigned.includes(undefined), false);
  assert.equal(answered(broker.connect5("own")).assignedClientIdentifier, undefined);
});

test("[MQTT-3.2.2-17] a topic alias above the maximum ends the connection with 0x94", () => {
  const broker = new TestBroker({ options: { maxTopicAlias: 3 } });
  const client = broker.connect5("client");
  assert.equal(answered(client).topicAliasMaximum, 3);
  client.publishWith({ topicAlias: 3 }, "t", "x");
  assert.equal(client.closed, false);
  client.publishWith({ topicAlias: 4 }, "t", "x");
  assert.equal(client.ending(), "0x94");
});

test("[MQTT-3.2.2-18] where the server takes no topic aliases it does not speak of them, and refuses all", () => {
  const broker = new TestBroker({ options: { maxTopicAlias: 0 } });
  const client = broker.connect5("client");
  assert.equal(answered(client).topicAliasMaximum, undefined);
  client.publishWith({ topicAlias: 1 }, "t", "x");
  assert.equal(client.ending(), "0x94");
});

test("[MQTT-3.2.2-19] a reason string that makes CONNACK too long for the client is left out", () => {
  const answers = [undefined, 80, 30].map((maximumPacketSize) => {
    const client = new TestBroker({ allowAnonymous: false }).dial(5);
    const properties = { requestProblemInformation: 1, maximumPacketSize };
    client.send(connectPacket("client", { level: 5, properties }));
    const [connack] = client.take();
    return connack?.kind === "connack" && [connack.returnCode, connack.properties];
  });
  const told = "The client is not authorised: this listener has no anonymous access.";
  assert.deepEqual(answers, [
    [0x87, { reasonString: told }],
    [0x87, { reasonString: told }],
    [0x87, undefined],
  ]);
});

test("[MQTT-3.2.2-19] [MQTT-3.2.2-20] CONNACK has neither reason string nor user properties for who asks for none", () => {
  for (const allowAnonymous of [true, false]) {
    const client = new TestBroker({ allowAnonymous }).dial(5);
    client.send(connectPacket("client", { level: 5, properties: { maximumPacketSize: 30 } }));
    const [connack] = client.take();
    assert.equal(connack?.kind, "connack");
    if (connack?.kind !== "connack") continue;
    assert.equal(connack.properties?.reasonString, undefined);
    assert.equal(connack.properties?.userProperties, undefined);
  }
});

test("[MQTT-3.2.2-22] without a Server Keep Alive the client's own is in force, else the server's", () => {
  const broker = new TestBroker({ options: { maxKeepAlive: 60 } });
  const cases = [
    { asked: 30, said: undefined, patience: 45_000 },
    { asked: 60, said: undefined, patience: 90_000 },
    { asked: 61, said: 60, patience: 90_000 },
    { asked: 0, said: 60, patience: 90_000 },
  ];
  for (const { asked, said, patience } of cases) {
    const client = broker.connect5("client", {}, { keepAlive: asked });
    assert.equal(answered(client).serverKeepAlive, said);
    broker.clock.advance(patience - 1);
    assert.equal(client.closed, false);
    broker.clock.advance(1);
    assert.equal(client.ending(), "0x8d");
  }
});

test("CONNACK says, byte for byte, what Mosquitto's says: topic aliases, packet size, receive maximum", () => {
  const client = new TestBroker().dial(5);
  client.send(connectPacket("client", { level: 5 }));
  assert.equal(
    toHex(client.wire.take()),
    "200e0000 0b 22000a 27001e8480 210014".replaceAll(" ", ""),
  );
});

test("CONNACK does not say what is as the specification presumes it", () => {
  const options = { maxTopicAlias: 0, receiveMaximum: 65_535 };
  const { connack } = new TestBroker({ options }).connect5("client");
  assert.deepEqual(connack?.kind === "connack" && connack.properties, {
    maximumPacketSize: 2_000_000,
  });
});

test("a session expiry interval beyond the server's own is shortened, and the client is told", () => {
  const broker = new TestBroker({ options: { sessionExpiry: 60_000 } });
  assert.equal(
    answered(broker.connect5("a", { sessionExpiryInterval: 60 })).sessionExpiryInterval,
    undefined,
  );
  const long = broker.connect5("b", { sessionExpiryInterval: 61 });
  assert.equal(answered(long).sessionExpiryInterval, 60);
  const forever = broker.connect5("c", { sessionExpiryInterval: 0xffffffff });
  assert.equal(answered(forever).sessionExpiryInterval, 60);
  for (const client of [long, forever]) client.break();
  broker.clock.advance(59_999);
  assert.equal(broker.broker.sessions.size, 3);
  broker.clock.advance(1);
  assert.equal(broker.broker.sessions.size, 1);
});

test("a user name as client identifier is told as the assigned one", () => {
  const access = new ScriptedAccess();
  const broker = new TestBroker({ access, policy: { usernameAsClientId: true } });
  const client = broker.connect5("ignored", {}, { username: "ada", password: encodeUtf8("x") });
  assert.equal(answered(client).assignedClientIdentifier, "ada");
});
