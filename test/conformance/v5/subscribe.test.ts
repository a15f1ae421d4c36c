/** MQTT 5.0 chapters 3.8 to 3.11: SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SubscriptionRequest } from "../../../src/mqtt/packets.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { hex } from "../../kit/hex.ts";
import { field, frame, type Part } from "../../kit/raw-packets.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const KEPT = { sessionExpiryInterval: 1000 };

/** How a client fares that sends such a packet. */
function afterSending(header: number, ...body: Part[]): string {
  const client = new TestBroker().connect5("client");
  client.sendBytes(frame(header, ...body));
  return client.ending();
}

function subscribe(client: TestClient, packetId: number, ...requests: SubscriptionRequest[]): void {
  client.send({ kind: "subscribe", packetId, subscriptions: requests });
}

function unsubscribe(client: TestClient, packetId: number, ...filters: string[]): void {
  client.send({ kind: "unsubscribe", packetId, filters });
}

test("[MQTT-3.8.1-1] SUBSCRIBE with other header bits than 2 is malformed", () => {
  for (const bits of [0, 1, 3, 6, 10]) {
    assert.equal(afterSending(0x80 | bits, "0001 00", field("t"), "00"), "0x81", `${bits}`);
  }
});

test("[MQTT-3.8.3-1] topic filters of SUBSCRIBE are UTF-8", () => {
  for (const bad of ["ff", "00", "eda080", "c0af"]) {
    assert.equal(afterSending(0x82, "0001 00", field(hex(bad)), "00"), "0x81", bad);
  }
});

test("[MQTT-3.8.3-2] SUBSCRIBE without a topic filter is a protocol error", () => {
  assert.equal(afterSending(0x82, "0001 00"), "0x82");
});

test("[MQTT-3.8.3-3] with No Local a client does not get what it has published itself", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", KEPT);
  const other = broker.connect5("other");
  client.subscribe("t", 1, { noLocal: true });
  other.subscribe("t", 1);
  client.publish("t", "own", 1, 1, true);
  other.publish("t", "foreign", 1, 2);
  assert.deepEqual(client.messages(), ["t=foreign q1"]);
  assert.deepEqual(other.messages(), ["t=own q1", "t=foreign q1"]);
  // Without it, another subscription brings its own, with that one's QoS and identifier alone.
  client.subscribe("#", 0, {}, 5);
  client.publish("t", "own", 1, 3);
  const [message] = client.publishes().filter(({ retain }) => !retain);
  assert.deepEqual([message?.qos, message?.properties?.subscriptionIdentifiers], [0, [5]]);
});

test("[MQTT-3.8.3-3] No Local is the client identifier's: it holds after the client has come back, and over a restart", () => {
  const broker = new TestBroker();
  const first = broker.connect5("client", KEPT);
  first.subscribe("t", 1, { noLocal: true });
  first.break();
  const later = broker.restart();
  const back = later.connect5("client", KEPT, { cleanStart: false });
  back.publish("t", "own");
  later.connect5("other").publish("t", "foreign");
  assert.deepEqual(back.messages(), ["t=foreign"]);
});

test("[MQTT-3.8.3-4] No Local on a shared subscription is a protocol error", () => {
  const client = new TestBroker().connect5("client");
  subscribe(client, 1, { filter: "$share/g/t", qos: 0, noLocal: true });
  assert.equal(client.ending(), "0x82");
});

test("[MQTT-3.8.3-5] reserved bits of the subscription options are malformed", () => {
  for (const options of ["40", "80", "c0", "41"]) {
    assert.equal(afterSending(0x82, "0001 00", field("t"), options), "0x81", options);
  }
});

test("QoS 3 and Retain Handling 3 are protocol errors", () => {
  assert.equal(afterSending(0x82, "0001 00", field("t"), "03"), "0x82");
  assert.equal(afterSending(0x82, "0001 00", field("t"), "30"), "0x82");
});

test("[MQTT-3.8.4-1] [MQTT-3.8.4-2] SUBSCRIBE is answered by SUBACK under its identifier", () => {
  const client = new TestBroker().connect5("client");
  subscribe(client, 4711, { filter: "t", qos: 1 });
  assert.deepEqual(client.take(), [{ kind: "suback", packetId: 4711, codes: [1] }]);
});

test("[MQTT-3.8.4-3] a topic filter that is subscribed to again replaces the subscription, with all its options", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client");
  client.subscribe("t", 2, { noLocal: true, retainAsPublished: true }, 7);
  client.subscribe("t", 0);
  assert.equal(broker.broker.subscriptions.count, 1);
  client.publish("t", "x", 2, 1, true);
  const [message] = client.publishes();
  assert.deepEqual([message?.qos, message?.retain, message?.properties], [0, false, undefined]);
});

test("[MQTT-3.8.4-4] replacing a subscription brings the retained messages again and loses no message", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", { receiveMaximum: 1, ...KEPT });
  const other = broker.connect5("other");
  other.publish("t", "retained", 1, 1, true);
  client.subscribe("t", 1);
  other.publish("t", "queued", 1, 2);
  subscribe(client, 2, { filter: "t", qos: 1, retainHandling: 0 });
  other.publish("t", "after", 1, 3);
  const seen: string[] = [];
  for (let n = 0; n < 10; n++) {
    for (const { packetId, payload, retain } of client.publishes()) {
      seen.push(`${new TextDecoder().decode(payload)}${retain ? " retain" : ""}`);
      client.send({ kind: "puback", packetId });
    }
  }
  assert.deepEqual(seen, ["retained retain", "queued", "retained retain", "after"]);
});

test("[MQTT-3.8.4-5] several filters of one SUBSCRIBE are taken one after the other, and answered together", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client");
  client.publish("t", "x", 1, 1, true);
  client.take();
  const again = { filter: "t", retainHandling: 1 } as const;
  subscribe(client, 1, { ...again, qos: 1 }, { filter: "u", qos: 2 }, { ...again, qos: 0 });
  assert.deepEqual(client.takeSuback().codes, [1, 2, 0]);
  // The second time the subscription is not new.
  assert.deepEqual(client.messages(), ["t=x q1 retain"]);
  assert.equal(broker.broker.subscriptions.count, 2);
  client.publish("t", "y", 1, 2);
  assert.deepEqual(client.messages(), ["t=y"]);
});

test("[MQTT-3.8.4-6] [MQTT-3.9.3-1] SUBACK has a reason code for each filter, in their order", () => {
  const access = new ScriptedAccess({ maySubscribe: (filter) => !filter.startsWith("secret") });
  const client = new TestBroker({ access }).connect5("client");
  const filters = ["a", "secret/1", "b", "$share/g/secret/2", "$share/g/c"];
  subscribe(client, 1, ...filters.map((filter, n) => ({ filter, qos: (n % 3) as QoS })));
  assert.deepEqual(client.takeSuback().codes, [0, 0x87, 2, 0x87, 1]);
});

test("[MQTT-3.8.4-7] the reason code is the QoS that was granted, or a failure", () => {
  const broker = new TestBroker({ policy: { maxQos: 1 } });
  const client = broker.connect5("client");
  const codes = ([0, 1, 2] as const).map((qos) => client.subscribe("t", qos)[0]);
  assert.deepEqual(codes, [0, 1, 1]);
});

test("[MQTT-3.8.4-8] a message comes at the lesser of its QoS and the one granted", () => {
  for (const granted of [0, 1, 2] as const) {
    const broker = new TestBroker();
    const client = broker.connect5("client");
    const other = broker.connect5("other");
    client.subscribe("t", granted);
    for (const published of [0, 1, 2] as const) {
      other.publish("t", "x", published, published === 0 ? 0 : published, true);
      const expected = Math.min(granted, published);
      assert.equal(client.publishes()[0]?.qos, expected);
      client.subscribe("t", granted);
      assert.equal(client.publishes()[0]?.qos, expected);
    }
  }
});

/** Table 3-8. */
const SUBSCRIBE_REASONS = [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2];

test("[MQTT-3.9.3-2] SUBACK has reason codes of its table", () => {
  const access = new ScriptedAccess({ maySubscribe: (filter) => filter !== "secret" });
  const broker = new TestBroker({ access, policy: { mountPoint: "m/".repeat(150) } });
  const client = broker.connect5("client");
  // With the mount point before it, one has too many levels.
  const filters = ["a", "secret", "$share/g/a", "/".repeat(100)];
  subscribe(client, 1, ...filters.map((filter) => ({ filter, qos: 1 as const })));
  const { codes } = client.takeSuback();
  assert.equal(codes.length, 4);
  assert.ok(codes.every((code) => SUBSCRIBE_REASONS.includes(code)));
  assert.equal(codes[3], 0x8f);
});

test("[MQTT-3.10.1-1] UNSUBSCRIBE with other header bits than 2 is malformed", () => {
  for (const bits of [0, 1, 3, 6, 10]) {
    assert.equal(afterSending(0xa0 | bits, "0001 00", field("t")), "0x81", `${bits}`);
  }
});

test("[MQTT-3.10.3-1] topic filters of UNSUBSCRIBE are UTF-8", () => {
  for (const bad of ["ff", "00", "eda080", "c0af"]) {
    assert.equal(afterSending(0xa2, "0001 00", field(hex(bad))), "0x81", bad);
  }
});

test("[MQTT-3.10.3-2] UNSUBSCRIBE without a topic filter is a protocol error", () => {
  assert.equal(afterSending(0xa2, "0001 00"), "0x82");
});

test("[MQTT-3.10.4-1] UNSUBSCRIBE deletes the subscription whose filter is the same, character by character", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client");
  for (const filter of ["a/b", "a/+", "a/#", "A/b", "$share/g/a/b"]) client.subscribe(filter);
  unsubscribe(client, 1, "a/B", "+/b", "a/b/", "$share/h/a/b", "a/+", "$share/g/a/b");
  const [unsuback] = client.take();
  assert.deepEqual(unsuback?.kind === "unsuback" && unsuback.codes, [0x11, 0x11, 0x11, 0x11, 0, 0]);
  const { subscriptions } = broker.broker.sessions.get("client") ?? {};
  assert.deepEqual([...(subscriptions?.keys() ?? [])], ["a/b", "a/#", "A/b"]);
});

test("[MQTT-3.10.4-2] after UNSUBSCRIBE no new message is added, retained ones included", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", KEPT);
  client.subscribe("t", 1);
  unsubscribe(client, 1, "t");
  client.take();
  broker.connect5("other").publish("t", "x", 1, 1, true);
  assert.deepEqual(client.take(), []);
  client.break();
  const later = broker.restart();
  const back = later.connect5("client", KEPT, { cleanStart: false });
  later.connect5("other").publish("t", "x", 1, 1);
  assert.deepEqual(back.take(), []);
});

test("[MQTT-3.10.4-3] the delivery of messages that has begun is completed after UNSUBSCRIBE", () => {
  const broker = new TestBroker();
  const client = broker.connect5("client", KEPT);
  client.subscribe("t", 2);
  const other = broker.connect5("other");
  other.publish("t", "1", 1, 1);
  other.publish("t", "2", 2, 2);
  client.take();
  unsubscribe(client, 1, "t");
  client.send({ kind: "pubrec", packetId: 2 });
  assert.deepEqual(
    client.take().map(({ kind }) => kind),
    ["unsuback", "pubrel"],
  );
  client.break();
  const back = broker.connect5("client", KEPT, { cleanStart: false });
  assert.deepEqual(
    back.take().map(({ kind }) => kind),
    ["publish", "pubrel"],
  );
});

test("[MQTT-3.10.4-4] [MQTT-3.10.4-5] UNSUBSCRIBE is answered by UNSUBACK under its identifier, subscribed or not", () => {
  const client = new TestBroker().connect5("client");
  unsubscribe(client, 4711, "never/subscribed");
  assert.deepEqual(client.take(), [{ kind: "unsuback", packetId: 4711, codes: [0x11] }]);
});

test("[MQTT-3.10.4-6] [MQTT-3.11.3-1] several filters of one UNSUBSCRIBE are answered together, in their order", () => {
  const client = new TestBroker().connect5("client");
  for (const filter of ["a", "b", "c"]) client.subscribe(filter);
  unsubscribe(client, 1, "c", "x", "a", "a");
  assert.deepEqual(client.take(), [{ kind: "unsuback", packetId: 1, codes: [0, 0x11, 0, 0x11] }]);
});

test("[MQTT-3.11.3-2] UNSUBACK has reason codes of its table", () => {
  const access = new ScriptedAccess({ mayUnsubscribe: (filter) => filter !== "b" });
  const client = new TestBroker({ access }).connect5("client");
  for (const filter of ["a", "b"]) client.subscribe(filter);
  unsubscribe(client, 1, "a", "b", "c");
  assert.deepEqual(client.take(), [{ kind: "unsuback", packetId: 1, codes: [0, 0x87, 0x11] }]);
});
