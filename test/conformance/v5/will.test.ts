/** MQTT 5.0: Will Messages, their delay, and what ends them (chapters 3.1.2.5, 3.1.3.2, 3.14.4). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../../../src/bytes/utf8.ts";
import type { WillFields } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

function willOf(properties: Properties = {}, fields: Partial<WillFields> = {}): WillFields {
  return { topic: "will", payload: encodeUtf8("x"), qos: 0, retain: false, properties, ...fields };
}

interface Scene {
  readonly broker: TestBroker;
  readonly watcher: TestClient;
  readonly client: TestClient;
}

/** A client with this will and session, and one that watches for it. */
function scene(will: WillFields, sessionExpiryInterval = 0): Scene {
  const broker = new TestBroker();
  const watcher = broker.connect5("watcher");
  watcher.subscribe("will", 2);
  const client = broker.connect5("client", { sessionExpiryInterval }, { will });
  return { broker, watcher, client };
}

test("[MQTT-3.1.2-7] a will is kept with the session, and published when the connection is lost", () => {
  const { watcher, client } = scene(willOf({}, { qos: 2 }));
  assert.deepEqual(watcher.messages(), []);
  client.break();
  assert.deepEqual(watcher.messages(), ["will=x q2"]);
});

test("[MQTT-3.1.2-8] a will is published after its delay", () => {
  const { broker, watcher, client } = scene(willOf({ willDelayInterval: 10 }), 100);
  client.break();
  broker.clock.advance(9_999);
  assert.deepEqual(watcher.messages(), []);
  broker.clock.advance(1);
  assert.deepEqual(watcher.messages(), ["will=x"]);
  broker.clock.advance(1_000_000);
  assert.deepEqual(watcher.messages(), []);
});

test("[MQTT-3.1.2-8] a will is published when the session ends, if that is before the delay is over", () => {
  const { broker, watcher, client } = scene(willOf({ willDelayInterval: 100 }), 10);
  client.break();
  broker.clock.advance(9_999);
  assert.deepEqual(watcher.messages(), []);
  broker.clock.advance(1);
  assert.deepEqual(watcher.messages(), ["will=x"]);
  // Who comes back afterwards finds neither the session nor the will (CVE-2019-11778).
  const again = broker.connect5("client", {}, { cleanStart: false });
  assert.equal(again.connack?.kind === "connack" && again.connack.sessionPresent, false);
  again.break();
  broker.clock.advance(1_000_000);
  assert.deepEqual(watcher.messages(), []);
});

test("[MQTT-3.1.2-8] a will of a session that ends with its connection is published at once, delay or not", () => {
  const { watcher, client } = scene(willOf({ willDelayInterval: 100 }));
  client.break();
  assert.deepEqual(watcher.messages(), ["will=x"]);
});

test("[MQTT-3.1.2-8] a will that waits is published when a clean start ends its session", () => {
  const { broker, watcher, client } = scene(willOf({ willDelayInterval: 100 }), 1000);
  client.break();
  broker.connect5("client", { sessionExpiryInterval: 1000 }, { cleanStart: true });
  assert.deepEqual(watcher.messages(), ["will=x"]);
  broker.clock.advance(200_000);
  assert.deepEqual(watcher.messages(), []);
});

test("[MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.14.4-3] DISCONNECT 0x00 deletes the will, and no other reason does", () => {
  for (const reasonCode of [0x04, 0x80, 0x81, 0x82, 0x83, 0x93, 0x98] as const) {
    const { watcher, client } = scene(willOf());
    client.send({ kind: "disconnect", reasonCode });
    assert.deepEqual(watcher.messages(), ["will=x"], `${reasonCode}`);
  }
  for (const end of [{}, { reasonCode: 0 }, { properties: { reasonString: "bye" } }]) {
    const { broker, watcher, client } = scene(willOf(), 100);
    client.send({ kind: "disconnect", ...end });
    client.break();
    broker.clock.advance(1_000_000);
    assert.deepEqual(watcher.messages(), []);
  }
});

test("[MQTT-3.1.2-10] a will that has been published is not published again", () => {
  const { broker, watcher, client } = scene(willOf(), 100);
  client.break();
  assert.deepEqual(watcher.messages(), ["will=x"]);
  const again = broker.connect5("client", { sessionExpiryInterval: 100 }, { cleanStart: false });
  again.break();
  broker.clock.advance(1_000_000);
  assert.deepEqual(watcher.messages(), []);
});

test("[MQTT-3.1.2-14] without will retain the will is no retained message", () => {
  const { broker, client } = scene(willOf());
  client.break();
  const late = broker.connect5("late");
  late.subscribe("will");
  assert.deepEqual(late.messages(), []);
});

test("[MQTT-3.1.2-15] with will retain the will is kept as a retained message", () => {
  const { broker, watcher, client } = scene(willOf({}, { retain: true, qos: 1 }));
  client.break();
  assert.deepEqual(watcher.messages(), ["will=x q1"]);
  const late = broker.connect5("late");
  late.subscribe("will", 1);
  assert.deepEqual(late.messages(), ["will=x q1 retain"]);
});

test("[MQTT-3.1.3-9] who comes back before the delay is over stops the will", () => {
  const { broker, watcher, client } = scene(willOf({ willDelayInterval: 10 }), 1000);
  client.break();
  broker.clock.advance(9_000);
  const again = broker.connect5("client", { sessionExpiryInterval: 1000 }, { cleanStart: false });
  broker.clock.advance(1_000_000);
  assert.deepEqual(watcher.messages(), []);
  // Whoever takes the session over has come back, too.
  const will = willOf({ willDelayInterval: 10 });
  const third = broker.connect5(
    "client",
    { sessionExpiryInterval: 1000 },
    { cleanStart: false, will },
  );
  const fourth = broker.connect5("client", { sessionExpiryInterval: 1000 }, { cleanStart: false });
  broker.clock.advance(1_000_000);
  assert.deepEqual([again.closed, third.closed, fourth.closed], [true, true, false]);
  assert.deepEqual(watcher.messages(), []);
});

test("a will without delay is published when its session is taken over", () => {
  const { broker, watcher } = scene(willOf(), 1000);
  broker.connect5("client", { sessionExpiryInterval: 1000 }, { cleanStart: false });
  assert.deepEqual(watcher.messages(), ["will=x"]);
});

test("a delay of milliseconds is kept to the millisecond, and one of 136 years is kept", () => {
  const { broker, watcher, client } = scene(willOf({ willDelayInterval: 0xffffffff }), 0xffffffff);
  client.break();
  broker.clock.advance(0xffffffff * 1000 - 1);
  assert.deepEqual(watcher.messages(), []);
  broker.clock.advance(1);
  assert.deepEqual(watcher.messages(), ["will=x"]);
});

test("[MQTT-3.1.3-10] the user properties of a will keep their order, the others their values", () => {
  const properties = {
    payloadFormatIndicator: 1,
    contentType: "text",
    responseTopic: "answers",
    correlationData: encodeUtf8("c"),
    userProperties: [
      ["z", "1"],
      ["a", "2"],
      ["z", "1"],
      ["", ""],
    ],
  } as const;
  const { watcher, client } = scene(willOf({ ...properties, willDelayInterval: 0 }));
  client.break();
  assert.deepEqual(watcher.publishes()[0]?.properties, properties);
});

test("the expiry interval of a will runs from its publication", () => {
  const will = willOf({ willDelayInterval: 50, messageExpiryInterval: 20 }, { retain: true });
  const { broker, watcher, client } = scene(will, 100);
  client.break();
  broker.clock.advance(50_000);
  assert.equal(watcher.publishes()[0]?.properties?.messageExpiryInterval, 20);
  broker.clock.advance(12_000);
  const late = broker.connect5("late");
  late.subscribe("will");
  assert.equal(late.publishes()[0]?.properties?.messageExpiryInterval, 8);
  broker.clock.advance(8_000);
  const later = broker.connect5("later");
  later.subscribe("will");
  assert.deepEqual(later.publishes(), []);
});

test("a will whose response topic holds a wildcard is refused", () => {
  const client = new TestBroker().connect5(
    "client",
    {},
    { will: willOf({ responseTopic: "a/#" }) },
  );
  assert.equal(client.connack?.kind === "connack" && client.connack.returnCode, 0x82);
});

test("DISCONNECT that shortens the session to nothing publishes a will that waits, at once", () => {
  const { watcher, client } = scene(willOf({ willDelayInterval: 100 }), 1000);
  client.send({ kind: "disconnect", reasonCode: 0x04, properties: { sessionExpiryInterval: 0 } });
  assert.deepEqual(watcher.messages(), ["will=x"]);
});
