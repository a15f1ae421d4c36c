/** A session in memory: publishes over reconnections, QoS 2 messages once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemorySession } from "../../../src/mqtt-client/memory-session.ts";
import { MqttClient } from "../../../src/mqtt-client/mqtt-client.ts";
import { ServerEnd } from "../../kit/server-end.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

function setUp(maximumInflight = 20) {
  const clock = new VirtualClock();
  const events: string[] = [];
  const session = new MemorySession(
    {
      connected: (present) => events.push(`connected ${present}`),
      message: (packet) => {
        events.push(`message ${packet.topic}`);
        return packet.topic !== "refused";
      },
      published: (ticket) => events.push(`published ${ticket}`),
      closed: (ending) => events.push(`closed ${ending.kind}`),
    },
    maximumInflight,
  );
  const connect = (sessionPresent = false): ServerEnd => {
    const server = new ServerEnd();
    const options = { level: 4, clientId: "c", cleanSession: false, keepAlive: 0 } as const;
    const client = new MqttClient({
      wire: server.wire,
      owner: session,
      clock,
      scheduler: clock.scheduler,
      options,
    });
    server.wire.open(client);
    session.attach(client);
    client.start();
    server.take();
    server.connack(sessionPresent);
    return server;
  };
  const publish = (topic: string, qos: 0 | 1 | 2): number =>
    session.publish(topic, new Uint8Array(0), qos, false);
  return { session, events, connect, publish };
}

test("publishes wait for the connection and for the window", () => {
  const { session, events, connect, publish } = setUp(2);
  for (const topic of ["a", "b", "c", "d"]) publish(topic, 1);
  assert.equal(session.pending, 4);
  const server = connect();
  assert.deepEqual(server.told(), ["publish a= q1 #1", "publish b= q1 #2"]);
  server.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(server.told(), ["publish c= q1 #3"]);
  assert.deepEqual(events, ["connected false", "published 1"]);
  server.send({ kind: "puback", packetId: 3 }, { kind: "puback", packetId: 2 });
  server.answer();
  assert.equal(session.pending, 0);
  assert.deepEqual(events.slice(2), ["published 3", "published 2", "published 4"]);
});

test("publishes keep their order, a QoS 0 one behind a full window included", () => {
  const { connect, publish } = setUp(1);
  const server = connect();
  publish("a", 1);
  publish("b", 1);
  publish("c", 0);
  assert.deepEqual(server.told(), ["publish a= q1 #1"]);
  server.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(server.told(), ["publish b= q1 #2", "publish c="]);
});

test("[MQTT-4.4.0-1] after a reconnection, what is open goes on where it stood", () => {
  const { events, connect, publish } = setUp();
  const first = connect();
  publish("a", 1);
  publish("b", 2);
  publish("c", 2);
  first.take();
  first.send({ kind: "pubrec", packetId: 2 });
  first.wire.break();
  const second = connect(true);
  assert.deepEqual(second.told(), ["publish a= q1 dup #1", "pubrel #2", "publish c= q2 dup #3"]);
  second.send({ kind: "pubcomp", packetId: 2 });
  assert.equal(events.at(-1), "published 2");
});

test("a server without the session has what it received: only the rest is sent again", () => {
  const { events, connect, publish } = setUp();
  const first = connect();
  publish("a", 2);
  publish("b", 2);
  first.take();
  first.send({ kind: "pubrec", packetId: 1 });
  first.wire.break();
  const second = connect(false);
  assert.deepEqual(second.told(), ["publish b= q2 dup #2"]);
  assert.ok(events.includes("published 1"));
});

test("[MQTT-4.3.3-2] a QoS 2 message comes through once, until it is released", () => {
  const { events, connect } = setUp();
  const first = connect();
  first.publish("a", "x", 2, 7);
  first.wire.break();
  const second = connect(true);
  second.publish("a", "x", 2, 7, { dup: true });
  assert.deepEqual(second.told(), ["pubrec #7"]);
  second.send({ kind: "pubrel", packetId: 7 });
  second.publish("b", "x", 2, 7);
  const messages = events.filter((event) => event.startsWith("message"));
  assert.deepEqual(messages, ["message a", "message b"]);
});

test("a server without the session uses identifiers anew", () => {
  const { events, connect } = setUp();
  connect().publish("a", "x", 2, 7);
  connect(false).publish("b", "x", 2, 7);
  assert.deepEqual(
    events.filter((event) => event.startsWith("message")),
    ["message a", "message b"],
  );
});

test("QoS 0 publishes wait while the network does not take them", () => {
  const { events, connect, publish } = setUp();
  const server = connect();
  server.wire.stuck = 2_000_000;
  publish("a", 0);
  assert.deepEqual(server.told(), []);
  server.wire.drain();
  assert.deepEqual(server.told(), ["publish a="]);
  assert.equal(events.at(-1), "published 1");
});

test("a message that is not taken is not acknowledged, and may come again", () => {
  const { events, connect } = setUp();
  const first = connect();
  first.publish("refused", "x", 1, 1);
  first.publish("refused", "x", 2, 2);
  assert.deepEqual(first.told(), []);
  first.wire.break();
  connect(true).publish("refused", "x", 2, 2, { dup: true });
  assert.equal(events.filter((event) => event === "message refused").length, 3);
});
