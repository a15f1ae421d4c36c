/** The client's protocol in MQTT 5.0 on one connection, against a server that answers by script. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectPacket, Packet } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import { describeEnding, type Ending } from "../../../src/mqtt-client/ending.ts";
import {
  MqttClient,
  type MqttClientOptions,
  type MqttClientOwner,
} from "../../../src/mqtt-client/mqtt-client.ts";
import { hex } from "../../kit/hex.ts";
import { plain } from "../../kit/plain.ts";
import { ServerEnd } from "../../kit/server-end.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const OPTIONS: MqttClientOptions = { level: 5, clientId: "c", cleanSession: true, keepAlive: 0 };
const NOTHING = new Uint8Array(0);

function setUp(options: Partial<MqttClientOptions> = {}) {
  const clock = new VirtualClock();
  const server = new ServerEnd(5);
  const events: string[] = [];
  let ending: Ending | undefined;
  let connack: Properties | undefined;
  const owner: MqttClientOwner = {
    connected: (present, properties) => {
      events.push(`connected ${present}`);
      connack = properties;
    },
    message: (packet) => events.push(`message ${packet.topic} #${packet.packetId}`),
    released: (id) => events.push(`released ${id}`),
    received: (id) => events.push(`received ${id}`),
    acknowledged: (id, { reasonCode, properties }) =>
      events.push(`acknowledged ${id} rc${reasonCode} ${properties?.reasonString ?? ""}`.trim()),
    subscribed: (id, codes, properties) =>
      events.push(`subscribed ${id} ${codes} ${properties?.reasonString ?? ""}`.trim()),
    unsubscribed: (id, codes) => events.push(`unsubscribed ${id} ${codes}`),
    drained: () => events.push("drained"),
    closed: (why) => {
      assert.equal(ending, undefined, "closed is told once");
      ending = why;
    },
  };
  const client = new MqttClient({
    wire: server.wire,
    owner,
    clock,
    scheduler: clock.scheduler,
    options: { ...OPTIONS, ...options },
  });
  server.wire.open(client);
  client.start();
  const connect = server.take()[0] as ConnectPacket;
  return { clock, server, client, events, connect, ending: () => ending, connack: () => connack };
}

function connected(properties: Properties = {}, options: Partial<MqttClientOptions> = {}) {
  const all = setUp(options);
  all.server.connack(false, 0, properties);
  all.events.length = 0;
  return all;
}

test("CONNECT carries the properties of the options, and the will's own", () => {
  const properties: Properties = {
    sessionExpiryInterval: 60,
    receiveMaximum: 7,
    maximumPacketSize: 1000,
    topicAliasMaximum: 3,
    requestResponseInformation: 1,
    requestProblemInformation: 0,
    userProperties: [["a", "b"]],
  };
  const willProperties: Properties = { willDelayInterval: 5, contentType: "text/plain" };
  const will = { topic: "w", payload: hex("30"), qos: 1, retain: true } as const;
  const { connect } = setUp({ properties, will: { ...will, properties: willProperties } });
  assert.deepEqual(plain(connect.properties), plain(properties));
  assert.deepEqual(plain(connect.will?.properties), plain(willProperties));
  assert.equal(connect.level, 5);
});

test("a limit to packets of the owner's own is told to the server", () => {
  const { connect } = setUp({ maximumPacketSize: 5000 });
  assert.deepEqual(plain(connect.properties), { maximumPacketSize: 5000 });
});

test("CONNACK's properties reach the owner, its limits the client", () => {
  const properties: Properties = {
    assignedClientIdentifier: "auto-1",
    receiveMaximum: 2,
    maximumQos: 1,
    retainAvailable: 0,
    topicAliasMaximum: 4,
    maximumPacketSize: 100,
    wildcardSubscriptionAvailable: 0,
    subscriptionIdentifierAvailable: 0,
    sharedSubscriptionAvailable: 0,
  };
  const { client, connack } = connected(properties);
  assert.equal(connack()?.assignedClientIdentifier, "auto-1");
  assert.deepEqual(client.limits, {
    receiveMaximum: 2,
    maximumPacketSize: 100,
    maximumQos: 1,
    retainAvailable: false,
    topicAliasMaximum: 4,
    wildcardSubscriptionAvailable: false,
    subscriptionIdentifierAvailable: false,
    sharedSubscriptionAvailable: false,
  });
});

test("without limits in CONNACK the protocol's own hold", () => {
  const { client } = connected();
  assert.equal(client.quota, 65535);
  assert.equal(client.limits.maximumQos, 2);
  assert.equal(client.limits.topicAliasMaximum, 0);
});

test("a refusal is told with its reason in words and where to go instead", () => {
  const { server, ending } = setUp();
  const properties = { reasonString: "moving house", serverReference: "other:1883" };
  server.connack(false, 0x9d, properties);
  const why = ending() as Ending & { kind: "refused" };
  assert.equal(why.returnCode, 0x9d);
  assert.equal(
    describeEnding(why),
    "connection refused by the broker: Server moved (moving house), use other:1883",
  );
});

test("a server that knows 3.1.1 only refuses in its own form", () => {
  const { server, ending } = setUp();
  server.wire.arrive(hex("20 02 00 01"));
  assert.deepEqual(ending(), { kind: "refused", returnCode: 1 });
});

test("[MQTT-3.2.2-2] a session where a clean start was asked for is a fault", () => {
  const { server, ending } = setUp();
  server.connack(true);
  assert.equal(ending()?.kind, "fault");
  const kept = setUp({ cleanSession: false });
  kept.server.connack(true);
  assert.deepEqual(kept.events, ["connected true"]);
});

test("[MQTT-3.2.2-21] the keep alive is the server's if it names one", () => {
  const { clock, server } = connected({ serverKeepAlive: 5 }, { keepAlive: 60 });
  clock.advance(5000);
  assert.deepEqual(server.told(), ["pingreq"]);
  const none = connected({ serverKeepAlive: 0 }, { keepAlive: 60 });
  none.clock.advance(1_000_000);
  assert.deepEqual(none.server.told(), []);
});

test("[MQTT-3.3.4-7] no more QoS 1 and 2 publishes are under way than the server takes", () => {
  const { server, client, events } = connected({ receiveMaximum: 2 });
  const publish = (qos: 0 | 1 | 2, id: number) =>
    client.publish("t", NOTHING, qos, false, false, id);
  assert.equal(publish(1, 1), undefined);
  assert.equal(publish(2, 2), undefined);
  assert.equal(client.quota, 0);
  assert.equal(publish(1, 3), 0x93);
  assert.equal(publish(0, 0), undefined, "QoS 0 is not counted");
  assert.deepEqual(server.told(), ["publish t= q1 #1", "publish t= q2 #2", "publish t="]);
  server.send({ kind: "pubrec", packetId: 2 });
  client.release(2);
  assert.equal(client.quota, 0, "QoS 2 is under way until PUBCOMP");
  server.send({ kind: "pubcomp", packetId: 2 });
  assert.equal(client.quota, 1);
  server.send({ kind: "puback", packetId: 1, reasonCode: 0x97 });
  assert.equal(client.quota, 2);
  assert.deepEqual(events.slice(-2), ["acknowledged 2 rc0", "acknowledged 1 rc151"]);
});

test("[MQTT-3.3.4-7] a PUBREC that refuses makes room and ends the exchange", () => {
  const { server, client, events } = connected({ receiveMaximum: 1 });
  client.publish("t", NOTHING, 2, false, false, 1);
  server.take();
  const properties = { reasonString: "not here" };
  server.send({ kind: "pubrec", packetId: 1, reasonCode: 0x87, properties });
  assert.deepEqual(events, ["acknowledged 1 rc135 not here"]);
  assert.deepEqual(server.told(), []);
  assert.equal(client.quota, 1);
  assert.equal(client.awaiting, 0);
});

test("subscriptions do not count against the server's Receive Maximum", () => {
  const { client } = connected({ receiveMaximum: 1 });
  client.subscribe([{ filter: "a", qos: 0 }]);
  assert.equal(client.quota, 1);
});

test("what a server does not take is not sent: QoS, RETAIN, aliases, packets too large", () => {
  const limits = { maximumQos: 1, retainAvailable: 0, maximumPacketSize: 20, topicAliasMaximum: 2 };
  const { server, client } = connected(limits);
  const alias = { topicAlias: 3 };
  assert.equal(client.publish("t", NOTHING, 2, false, false, 1), 0x9b);
  assert.equal(client.publish("t", NOTHING, 0, true, false, 0), 0x9a);
  assert.equal(client.publish("t", NOTHING, 0, false, false, 0, alias), 0x94);
  assert.equal(client.publish("t", new Uint8Array(15), 0, false, false, 0), 0x95);
  assert.deepEqual(server.told(), []);
  assert.equal(client.awaiting, 0);
  // 1 + 1 fixed, 2 + 1 topic, 1 property length, 14 payload.
  assert.equal(client.publish("t", new Uint8Array(14), 0, false, false, 0), undefined);
  assert.equal(server.take().length, 1);
});

test("[MQTT-3.2.2-15] a SUBSCRIBE or DISCONNECT too large for the server is not sent", () => {
  const { server, client } = connected({ maximumPacketSize: 20 });
  assert.equal(client.subscribe([{ filter: "a/long/topic/filter", qos: 0 }]), 0);
  assert.equal(client.unsubscribe(["a/long/topic/filter"]), 0);
  client.disconnect(0x04, { reasonString: "a long good-bye with a reason" });
  assert.deepEqual(server.told(), ["disconnect rc4"]);
});

test("subscriptions that a server has not to offer are not asked for", () => {
  const limits = {
    wildcardSubscriptionAvailable: 0,
    subscriptionIdentifierAvailable: 0,
    sharedSubscriptionAvailable: 0,
  };
  const { server, client } = connected(limits);
  const problem = (filter: string, properties?: Properties) =>
    client.subscribeProblem([{ filter, qos: 0 }], properties);
  assert.equal(problem("a/#"), 0xa2);
  assert.equal(problem("$share/g/a"), 0x9e);
  assert.equal(problem("a", { subscriptionIdentifiers: [1] }), 0xa1);
  assert.equal(problem("a"), undefined);
  assert.equal(client.subscribe([{ filter: "+", qos: 0 }]), 0);
  assert.deepEqual(server.told(), []);
});

test("SUBSCRIBE and UNSUBSCRIBE carry options and properties, and their answers come back", () => {
  const { server, client, events } = connected();
  const options = { qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 } as const;
  const properties: Properties = { subscriptionIdentifiers: [7], userProperties: [["a", "b"]] };
  assert.equal(client.subscribe([{ filter: "a", ...options }], properties), 1);
  assert.equal(client.unsubscribe(["b", "c"], { userProperties: [["c", "d"]] }), 2);
  const [subscribe, unsubscribe] = server.take() as [Packet, Packet];
  assert.deepEqual(plain(subscribe), {
    kind: "subscribe",
    packetId: 1,
    subscriptions: [{ filter: "a", ...options }],
    properties: plain(properties),
  });
  assert.deepEqual(plain("properties" in unsubscribe ? unsubscribe.properties : undefined), {
    userProperties: [["c", "d"]],
  });
  const answer = { reasonString: "no" };
  server.send({ kind: "suback", packetId: 1, codes: [0x87], properties: answer });
  server.send({ kind: "unsuback", packetId: 2, codes: [0, 0x11] });
  assert.deepEqual(events, ["subscribed 1 135 no", "unsubscribed 2 0,17"]);
});

test("a topic gets an alias with its second publish and is named no more", () => {
  const { server, client } = connected({ topicAliasMaximum: 2 });
  const publish = (topic: string) => client.publish(topic, NOTHING, 0, false, false, 0);
  for (const topic of ["long/a", "long/a", "long/a", "t", "t", "t", "long/b", "long/b", "long/b"]) {
    publish(topic);
  }
  const sent = server
    .take()
    .map((packet) => packet.kind === "publish" && [packet.topic, packet.properties?.topicAlias]);
  assert.deepEqual(sent, [
    ["long/a", undefined],
    ["long/a", 1],
    ["", 1],
    // An alias takes more room than such a name.
    ["t", undefined],
    ["t", undefined],
    ["t", undefined],
    ["long/b", undefined],
    ["long/b", 2],
    ["", 2],
  ]);
  for (const topic of ["long/c", "long/c", "long/c"]) publish(topic);
  assert.deepEqual(server.told(), ["publish long/c=", "publish long/c=", "publish long/c="]);
});

test("an alias of the owner's choice is bound once, and may be given to another topic", () => {
  const { server, client } = connected({ topicAliasMaximum: 2 });
  const publish = (topic: string, topicAlias: number) =>
    client.publish(topic, NOTHING, 0, false, false, 0, { topicAlias });
  for (const topic of ["a", "a", "b", "b", "a"]) publish(topic, 1);
  assert.deepEqual(server.told(), [
    "publish a=",
    "publish =",
    "publish b=",
    "publish =",
    "publish a=",
  ]);
});

test("a packet that was too large has taught the server no alias", () => {
  const { server, client } = connected({ topicAliasMaximum: 2, maximumPacketSize: 30 });
  client.publish("long/a", NOTHING, 0, false, false, 0);
  assert.equal(client.publish("long/a", new Uint8Array(50), 0, false, false, 0), 0x95);
  client.publish("long/a", NOTHING, 0, false, false, 0);
  assert.deepEqual(server.told(), ["publish long/a=", "publish long/a="]);
});

test("[MQTT-3.3.2-10] aliases of the server are filled in", () => {
  const { server, events } = connected({}, { properties: { topicAliasMaximum: 2 } });
  server.publish("a", "x", 0, 0, { properties: { topicAlias: 2 } });
  server.publish("", "x", 1, 1, { properties: { topicAlias: 2 } });
  server.publish("b", "x", 0, 0, { properties: { topicAlias: 2 } });
  server.publish("", "x", 0, 0, { properties: { topicAlias: 2 } });
  assert.deepEqual(events, ["message a #0", "message a #1", "message b #0", "message b #0"]);
});

test("acknowledgements carry the owner's reason codes", () => {
  const { server, client } = connected();
  server.publish("a", "x", 1, 1);
  server.publish("a", "x", 2, 2);
  client.acknowledge(1, 1, 0x97);
  client.acknowledge(2, 2, 0x83);
  client.complete(3, 0x92);
  assert.deepEqual(server.told(), ["puback #1 rc151", "pubrec #2 rc131", "pubcomp #3 rc146"]);
});

test("PUBREC of nothing known is told so, one of a known failure is let pass", () => {
  const { server, ending } = connected();
  server.send({ kind: "pubrec", packetId: 9 });
  server.send({ kind: "pubrec", packetId: 10, reasonCode: 0x80 });
  assert.deepEqual(server.told(), ["pubrel #9 rc146"]);
  assert.equal(ending(), undefined);
});

test("[MQTT-3.14.4-1] DISCONNECT goes out with reason and properties", () => {
  const { server, client, ending } = connected();
  client.disconnect(0x04, { sessionExpiryInterval: 9, reasonString: "later" });
  assert.deepEqual(plain(server.take()[0]), {
    kind: "disconnect",
    reasonCode: 4,
    properties: { sessionExpiryInterval: 9, reasonString: "later" },
  });
  assert.deepEqual(ending(), { kind: "done" });
});

test("a server's DISCONNECT ends the connection and says why", () => {
  const { server, ending } = connected();
  server.send({ kind: "disconnect", reasonCode: 0x8e });
  assert.deepEqual(ending(), { kind: "disconnected", reasonCode: 0x8e });
  assert.equal(
    describeEnding(ending() as Ending),
    "disconnected by the broker: Session taken over",
  );
  assert.deepEqual(server.told(), [], "it is not answered");
});

const BAD_ANSWERS: readonly (readonly [
  string,
  number,
  (all: ReturnType<typeof connected>) => void,
])[] = [
  ["an alias over the maximum", 0x94, ({ server }) => alias(server, "a", 3)],
  ["an alias that stands for nothing", 0x82, ({ server }) => alias(server, "", 2)],
  ["alias 0", 0x94, ({ server }) => server.wire.arrive(hex("30 07 0001 61 03 23 0000"))],
  ["PUBLISH to nothing without an alias", 0x90, ({ server }) => server.publish("", "x")],
  ["PUBLISH to a wildcard", 0x90, ({ server }) => server.publish("a/#", "x")],
  [
    "a wildcard in a response topic",
    0x82,
    ({ server }) => server.publish("a", "x", 0, 0, { properties: { responseTopic: "a/+" } }),
  ],
  [
    "more than the Receive Maximum",
    0x93,
    ({ server }) => {
      for (const id of [1, 2, 3]) server.publish("a", "x", 1, id);
    },
  ],
  ["a packet over the maximum", 0x95, ({ server }) => server.publish("a", "x".repeat(200))],
  ["a property twice", 0x82, ({ server }) => server.wire.arrive(hex("30 08 0001 61 04 01000100"))],
  ["a property cut off", 0x81, ({ server }) => server.wire.arrive(hex("30 05 0001 61 05 01"))],
  ["AUTH unasked for", 0x82, ({ server }) => server.send({ kind: "auth", reasonCode: 0x18 })],
  ["a second CONNACK", 0x82, ({ server }) => server.connack()],
  ["SUBSCRIBE", 0x82, ({ server }) => server.wire.arrive(hex("82 07 0001 00 0001 61 00"))],
  [
    "UNSUBACK with too many codes",
    0x82,
    ({ server }) => server.send({ kind: "unsuback", packetId: 1, codes: [0, 0] }),
  ],
  [
    "SUBACK for an UNSUBSCRIBE",
    0x82,
    ({ server }) => server.send({ kind: "suback", packetId: 1, codes: [0] }),
  ],
  ["an unknown reason code", 0x81, ({ server }) => server.wire.arrive(hex("40 03 0001 42"))],
  ["an unknown packet type", 0x81, ({ server }) => server.wire.arrive(hex("00 00"))],
];

function alias(server: ServerEnd, topic: string, topicAlias: number): void {
  server.publish(topic, "x", 0, 0, { properties: { topicAlias } });
}

for (const [what, reason, act] of BAD_ANSWERS) {
  test(`a server that sends ${what} is told reason ${reason} and left`, () => {
    const properties = { topicAliasMaximum: 2, receiveMaximum: 2, maximumPacketSize: 100 };
    const all = connected({}, { properties });
    all.client.unsubscribe(["a"]);
    all.server.take();
    act(all);
    assert.equal(
      all.ending()?.kind,
      "fault",
      all.ending() && describeEnding(all.ending() as Ending),
    );
    assert.deepEqual(all.server.told(), [`disconnect rc${reason}`]);
    assert.equal(all.server.wire.closing, true);
  });
}

test("[MQTT-3.3.4-9] settled messages make room in our own Receive Maximum", () => {
  const { server, client, ending } = connected({}, { properties: { receiveMaximum: 2 } });
  server.publish("a", "x", 1, 1);
  server.publish("a", "x", 2, 2);
  client.acknowledge(1, 1);
  server.publish("a", "x", 1, 3);
  client.acknowledge(3, 1);
  client.acknowledge(2, 2);
  server.publish("a", "x", 1, 4);
  client.acknowledge(4, 1);
  client.complete(2);
  server.publish("a", "x", 2, 5);
  server.publish("a", "x", 2, 6);
  client.acknowledge(5, 2, 0x97);
  server.publish("a", "x", 1, 7);
  assert.equal(ending(), undefined);
});

test("packets before CONNACK but AUTH are a fault, and nothing is sent then", () => {
  const { server, ending } = setUp();
  server.wire.arrive(hex("30"));
  assert.equal(ending()?.kind, "fault");
  assert.deepEqual(server.told(), []);
});
