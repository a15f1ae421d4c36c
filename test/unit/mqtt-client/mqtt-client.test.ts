/** The client's protocol on one connection, against a server that answers by script. */
import assert from "node:assert/strict";
import { test } from "node:test";
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

const OPTIONS: MqttClientOptions = { level: 4, clientId: "c", cleanSession: true, keepAlive: 0 };
const NOTHING = new Uint8Array(0);
/** A QoS 2 message that the owner takes its time to be done with. */
const LATER = 2;

function setUp(options: Partial<MqttClientOptions> = {}) {
  const clock = new VirtualClock();
  const server = new ServerEnd();
  const events: string[] = [];
  let ending: Ending | undefined;
  const owner: MqttClientOwner = {
    connected: (present) => events.push(`connected ${present}`),
    message: (packet) => events.push(`message ${packet.topic} #${packet.packetId}`),
    released: (id) => {
      events.push(`released ${id}`);
      if (id !== LATER) client.complete(id);
    },
    received: (id) => events.push(`received ${id}`),
    acknowledged: (id) => events.push(`acknowledged ${id}`),
    subscribed: (id, codes) => events.push(`subscribed ${id} ${codes}`),
    unsubscribed: (id) => events.push(`unsubscribed ${id}`),
    drained: () => events.push("drained"),
    closed: (why) => {
      assert.equal(ending, undefined, "closed is told once");
      ending = why;
    },
  };
  const { scheduler } = clock;
  const client = new MqttClient({
    wire: server.wire,
    owner,
    clock,
    scheduler,
    options: { ...OPTIONS, ...options },
  });
  server.wire.open(client);
  client.start();
  const connect = server.take()[0];
  return { clock, server, client, events, connect, ending: () => ending };
}

function connected(options: Partial<MqttClientOptions> = {}) {
  const all = setUp(options);
  all.server.connack();
  all.events.length = 0;
  return all;
}

test("CONNECT carries what the options say", () => {
  const will = { topic: "w", payload: hex("30"), qos: 1, retain: true } as const;
  const password = hex("ff00");
  const fields = {
    level: 3,
    keepAlive: 7,
    will,
    username: "u",
    password,
  } as const;
  const { connect } = setUp({ ...fields, bridge: true, cleanSession: false });
  const expected = { kind: "connect", clientId: "c", bridge: true, cleanStart: false, ...fields };
  assert.deepEqual(plain(connect), expected);
});

test("CONNACK tells whether the server has kept the session", () => {
  for (const [cleanSession, flag, expected] of [
    [false, true, true],
    [false, false, false],
    // [MQTT-3.2.2-1]: a server that claims a session for a clean one is wrong.
    [true, true, false],
  ] as const) {
    const { server, events } = setUp({ cleanSession });
    server.connack(flag);
    assert.deepEqual(events, [`connected ${expected}`]);
  }
});

test("an MQTT 3.1 server cannot tell, so a kept session counts as there", () => {
  const { server, events } = setUp({ level: 3, cleanSession: false });
  server.connack(false);
  assert.deepEqual(events, ["connected true"]);
});

test("[MQTT-3.2.2-4] a refusal ends the connection and says why", () => {
  const { server, ending } = setUp();
  server.connack(false, 5);
  assert.deepEqual(ending(), { kind: "refused", returnCode: 5 });
  assert.equal(server.wire.closing, true);
  assert.equal(
    describeEnding({ kind: "refused", returnCode: 5 }),
    "connection refused by the broker: not authorized",
  );
});

test("a server that does not answer CONNECT is given up", () => {
  const { clock, ending } = setUp({ patience: 5000 });
  clock.advance(4999);
  assert.equal(ending(), undefined);
  clock.advance(1);
  assert.deepEqual(ending(), { kind: "silent", detail: "no answer to CONNECT" });
});

test("nothing is sent before CONNACK but CONNECT", () => {
  const { server, client } = setUp();
  client.publish("t", NOTHING, 1, false, false, 1);
  assert.equal(client.subscribe([{ filter: "t", qos: 1 }]), 0);
  client.acknowledge(1, 1);
  assert.deepEqual(server.told(), []);
});

test("QoS 1 publishes are acknowledged by PUBACK", () => {
  const { server, client, events } = connected();
  client.publish("t", hex("41"), 1, true, true, 9);
  assert.deepEqual(server.told(), ["publish t=A q1 retain dup #9"]);
  assert.equal(client.awaiting, 1);
  server.send({ kind: "puback", packetId: 9 });
  assert.deepEqual(events, ["acknowledged 9"]);
  assert.equal(client.awaiting, 0);
});

test("[MQTT-4.3.3-1] QoS 2 publishes go through PUBREC, PUBREL and PUBCOMP", () => {
  const { server, client, events } = connected();
  client.publish("t", NOTHING, 2, false, false, 9);
  server.take();
  server.send({ kind: "pubrec", packetId: 9 });
  assert.deepEqual(events, ["received 9"]);
  client.release(9);
  assert.deepEqual(server.told(), ["pubrel #9"]);
  server.send({ kind: "pubrec", packetId: 9 });
  assert.deepEqual(server.told(), ["pubrel #9"], "a repeated PUBREC is answered");
  server.send({ kind: "pubcomp", packetId: 9 });
  assert.deepEqual(events, ["received 9", "acknowledged 9"]);
});

test("messages that come are acknowledged when the owner says so, not before", () => {
  const { server, client, events } = connected();
  server.publish("a", "x", 1, 1);
  server.publish("b", "x", 2, 2);
  assert.deepEqual(events, ["message a #1", "message b #2"]);
  assert.deepEqual(server.told(), []);
  client.acknowledge(2, 2);
  client.acknowledge(1, 1);
  assert.deepEqual(server.told(), ["pubrec #2", "puback #1"]);
  server.send({ kind: "pubrel", packetId: 2 });
  assert.equal(events.at(-1), "released 2");
  assert.deepEqual(server.told(), []);
  client.complete(2);
  assert.deepEqual(server.told(), ["pubcomp #2"]);
});

test("SUBSCRIBE and UNSUBSCRIBE get their answers under identifiers that nothing else uses", () => {
  const { server, client, events } = connected();
  client.publish("t", NOTHING, 1, false, false, 1);
  const first = client.subscribe([
    { filter: "a", qos: 1 },
    { filter: "b", qos: 2 },
  ]);
  const second = client.unsubscribe(["c"]);
  assert.deepEqual([first, second], [2, 3]);
  assert.deepEqual(server.told().slice(1), ["subscribe a q1 b q2 #2", "unsubscribe c #3"]);
  server.send({ kind: "suback", packetId: 2, codes: [1, 0x80] }, { kind: "unsuback", packetId: 3 });
  assert.deepEqual(events, ["subscribed 2 1,128", "unsubscribed 3"]);
});

test("identifiers run out only when all are in flight", () => {
  const { client } = connected();
  for (let count = 0; count < 65535; count++) {
    client.publish("t", NOTHING, 1, false, false, client.freePacketId());
  }
  assert.equal(client.awaiting, 65535);
  assert.equal(client.freePacketId(), 0);
  assert.equal(client.subscribe([{ filter: "a", qos: 0 }]), 0);
});

test("acknowledgements of nothing known are let pass, PUBREC and PUBREL being answered", () => {
  const { server, events, ending } = connected();
  server.send(
    { kind: "puback", packetId: 2000 },
    { kind: "pubrec", packetId: 2001 },
    { kind: "pubrel", packetId: 2002 },
    { kind: "pubcomp", packetId: 2003 },
    { kind: "suback", packetId: 2004, codes: [0] },
    { kind: "unsuback", packetId: 2005 },
    { kind: "pingresp" },
  );
  assert.deepEqual(server.told(), ["pubrel #2001", "pubcomp #2002"]);
  assert.deepEqual(events, ["released 2002"]);
  assert.equal(ending(), undefined);
});

const BAD_ANSWERS: readonly (readonly [string, (all: ReturnType<typeof connected>) => void])[] = [
  ["a second CONNACK", ({ server }) => server.connack()],
  ["CONNECT", ({ server }) => server.wire.arrive(hex("10 0d 00 04 4d515454 04 02 0000 00 01 61"))],
  ["PINGREQ", ({ server }) => server.send({ kind: "pingreq" })],
  ["DISCONNECT", ({ server }) => server.send({ kind: "disconnect" })],
  ["SUBSCRIBE", ({ server }) => server.wire.arrive(hex("82 06 0001 0001 61 00"))],
  [
    "SUBACK with too few codes",
    ({ server }) => server.send({ kind: "suback", packetId: 1, codes: [0] }),
  ],
  [
    "SUBACK with too many codes",
    ({ server }) => server.send({ kind: "suback", packetId: 1, codes: [0, 0, 0] }),
  ],
  ["SUBACK without codes", ({ server }) => server.wire.arrive(hex("90 02 0001"))],
  ["SUBACK with an unknown code", ({ server }) => server.wire.arrive(hex("90 04 0001 03 00"))],
  [
    "SUBACK for a PUBLISH",
    ({ server }) => server.send({ kind: "suback", packetId: 2, codes: [0] }),
  ],
  ["PUBACK for a SUBSCRIBE", ({ server }) => server.send({ kind: "puback", packetId: 1 })],
  ["PUBACK for a QoS 2 publish", ({ server }) => server.send({ kind: "puback", packetId: 3 })],
  ["PUBREC for a QoS 1 publish", ({ server }) => server.send({ kind: "pubrec", packetId: 2 })],
  ["PUBCOMP before PUBREC", ({ server }) => server.send({ kind: "pubcomp", packetId: 3 })],
  ["UNSUBACK for a SUBSCRIBE", ({ server }) => server.send({ kind: "unsuback", packetId: 1 })],
  ["PUBLISH to a wildcard", ({ server }) => server.publish("a/#", "x")],
  ["PUBLISH to nothing", ({ server }) => server.publish("", "x")],
  ["PUBLISH with packetId 0", ({ server }) => server.wire.arrive(hex("32 05 0001 61 0000"))],
  ["QoS 3", ({ server }) => server.wire.arrive(hex("36 05 0001 61 0001"))],
  ["a topic that is not UTF-8", ({ server }) => server.wire.arrive(hex("30 04 0002 c3 28"))],
  ["a five-byte remaining length", ({ server }) => server.wire.arrive(hex("30 ff ff ff ff 01"))],
  ["a packet beyond the limit", ({ server }) => server.wire.arrive(hex("30 c0 84 3d"))],
  ["a cut-off PUBACK", ({ server }) => server.wire.arrive(hex("40 01 00"))],
  ["a reserved packet type", ({ server }) => server.wire.arrive(hex("f0 00"))],
];

for (const [what, act] of BAD_ANSWERS) {
  test(`a server that sends ${what} is left, nothing more of it is taken`, () => {
    const all = connected({ maximumPacketSize: 100_000 });
    all.client.subscribe([
      { filter: "a", qos: 0 },
      { filter: "b", qos: 0 },
    ]);
    all.client.publish("t", NOTHING, 1, false, false, 2);
    all.client.publish("t", NOTHING, 2, false, false, 3);
    act(all);
    assert.equal(all.ending()?.kind, "fault");
    assert.equal(all.server.wire.closing, true);
    all.server.wire.closing = false;
    all.server.publish("later", "x");
    assert.deepEqual(all.events, []);
  });
}

test("a first packet other than CONNACK is a fault at its first byte", () => {
  const { server, ending } = setUp();
  server.wire.arrive(hex("30"));
  assert.equal(ending()?.kind, "fault");
});

test("what follows a fault in the same chunk is not taken", () => {
  const { server, events, ending } = connected();
  server.send(
    { kind: "pingreq" },
    {
      kind: "publish",
      topic: "t",
      payload: NOTHING,
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
    },
  );
  assert.deepEqual(events, []);
  assert.equal(ending()?.kind, "fault");
});

test("[MQTT-3.1.2-23] a client that has nothing to send pings before the keep alive time is over", () => {
  const { clock, server, client } = connected({ keepAlive: 10 });
  clock.advance(6000);
  server.send({ kind: "pingresp" });
  client.publish("t", NOTHING, 0, false, false, 0);
  server.take();
  clock.advance(9999);
  assert.deepEqual(server.told(), []);
  clock.advance(1);
  assert.deepEqual(server.told(), ["pingreq"]);
  server.send({ kind: "pingresp" });
  clock.advance(10_000);
  assert.deepEqual(server.told(), ["pingreq"]);
});

test("a client that sends all the time pings, too, when it hears nothing", () => {
  const { clock, server, client, ending } = connected({ keepAlive: 10, patience: 3000 });
  let pings = 0;
  for (let second = 0; second < 13; second++) {
    assert.equal(ending(), undefined);
    clock.advance(1000);
    client.publish("t", NOTHING, 0, false, false, 0);
    pings += server.told().filter((told) => told === "pingreq").length;
  }
  assert.equal(pings, 1);
  assert.deepEqual(ending(), { kind: "silent", detail: "no answer to a keep-alive ping" });
});

test("other packets prove the server alive while PINGRESP is on its way", () => {
  const { clock, server, ending } = connected({ keepAlive: 10, patience: 3000 });
  clock.advance(11_000);
  server.publish("t", "x");
  clock.advance(2000);
  assert.equal(ending(), undefined);
  clock.advance(20_000);
  assert.equal(ending()?.kind, "silent");
});

test("without keep alive nothing is sent and nothing is expected", () => {
  const { clock, server, ending } = connected({ keepAlive: 0 });
  clock.advance(100_000_000);
  assert.deepEqual(server.told(), []);
  assert.equal(ending(), undefined);
});

test("[MQTT-3.14.4-1] disconnect sends DISCONNECT and closes", () => {
  const { server, client, ending } = connected({ keepAlive: 1 });
  client.disconnect();
  assert.deepEqual(server.told(), ["disconnect"]);
  assert.equal(server.wire.closing, true);
  assert.deepEqual(ending(), { kind: "done" });
  client.publish("t", NOTHING, 0, false, false, 0);
  assert.deepEqual(server.told(), []);
});

test("a lost connection is told with its cause", () => {
  const { server, ending, clock } = connected({ keepAlive: 1 });
  server.wire.break("connection reset");
  assert.deepEqual(ending(), { kind: "lost", cause: "connection reset" });
  clock.advance(10_000);
  assert.deepEqual(server.told(), []);
});
