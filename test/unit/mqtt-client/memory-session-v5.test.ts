/** A session in memory with a server of MQTT 5.0: its limits, its reason codes, repetition within its window. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Properties } from "../../../src/mqtt/properties.ts";
import {
  MemorySession,
  type MemorySessionEvents,
} from "../../../src/mqtt-client/memory-session.ts";
import { MqttClient } from "../../../src/mqtt-client/mqtt-client.ts";
import { ServerEnd } from "../../kit/server-end.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

function setUp(own: Partial<MemorySessionEvents> = {}) {
  const clock = new VirtualClock();
  const events: string[] = [];
  let client: MqttClient | undefined;
  const session = new MemorySession({
    connected: (present) => events.push(`connected ${present}`),
    message: (packet) => events.push(`message ${packet.topic}`) > 0,
    published: (ticket, { reasonCode }) => events.push(`published ${ticket} rc${reasonCode}`),
    unsendable: (ticket, reason) => events.push(`unsendable ${ticket} rc${reason}`),
    closed: (ending) => events.push(`closed ${ending.kind}`),
    ...own,
  });
  const connect = (properties: Properties = {}, sessionPresent = false): ServerEnd => {
    const server = new ServerEnd(5);
    const options = { level: 5, clientId: "c", cleanSession: false, keepAlive: 0 } as const;
    const parts = { wire: server.wire, owner: session, clock, scheduler: clock.scheduler, options };
    client = new MqttClient(parts);
    server.wire.open(client);
    session.attach(client);
    client.start();
    server.take();
    server.connack(sessionPresent, 0, properties);
    return server;
  };
  const publish = (topic: string, qos: 0 | 1 | 2, properties?: Properties): number =>
    session.publish(topic, new Uint8Array(0), qos, false, properties);
  return { session, events, connect, publish, client: () => client as MqttClient };
}

test("[MQTT-3.3.4-7] publishes wait for the server's Receive Maximum", () => {
  const { session, events, connect, publish } = setUp();
  for (const topic of ["a", "b", "c"]) publish(topic, 1);
  const server = connect({ receiveMaximum: 1 });
  assert.deepEqual(server.answer(), ["publish a= q1 #1"]);
  assert.deepEqual(server.answer(), ["publish b= q1 #2"]);
  assert.deepEqual(server.answer(), ["publish c= q1 #3"]);
  assert.equal(session.pending, 0);
  assert.equal(events.at(-1), "published 3 rc0");
});

test("what the server refuses is done with, and says why", () => {
  const { session, events, connect, publish } = setUp();
  const server = connect();
  publish("a", 1);
  publish("b", 2);
  server.take();
  server.send({ kind: "puback", packetId: 1, reasonCode: 0x87 });
  server.send({ kind: "pubrec", packetId: 2, reasonCode: 0x97 });
  assert.deepEqual(events.slice(1), ["published 1 rc135", "published 2 rc151"]);
  assert.equal(session.pending, 0);
});

test("what cannot be sent to this server is given up, and what follows goes on", () => {
  const { session, events, connect, publish } = setUp();
  publish("a", 2);
  publish("b", 1);
  const server = connect({ maximumQos: 1 });
  assert.deepEqual(server.answer(), ["publish b= q1 #2"]);
  assert.deepEqual(events, ["connected false", "unsendable 1 rc155", "published 2 rc0"]);
  assert.equal(session.pending, 0);
});

test("[MQTT-4.4.0-1] repetition keeps order, properties and the new server's window", () => {
  const { session, connect, publish } = setUp();
  const first = connect();
  publish("a", 1, { contentType: "x" });
  publish("b", 2);
  publish("c", 2);
  publish("d", 1);
  first.take();
  first.send({ kind: "pubrec", packetId: 2 });
  first.wire.break();
  const second = connect({ receiveMaximum: 1 }, true);
  const [repeated, released, ...more] = second.take();
  assert.equal(repeated?.kind === "publish" && repeated.dup, true);
  assert.equal(repeated?.kind === "publish" && repeated.properties?.contentType, "x");
  assert.deepEqual([released?.kind, more.length], ["pubrel", 0], "a release needs no room");
  publish("e", 1);
  second.send({ kind: "puback", packetId: 1 });
  assert.deepEqual(second.told(), [], "nothing passes what is to be repeated");
  second.send({ kind: "pubcomp", packetId: 2 });
  assert.deepEqual(second.told(), ["publish c= q2 dup #3"]);
  second.send({ kind: "pubrec", packetId: 3 });
  second.send({ kind: "pubcomp", packetId: 3 });
  assert.deepEqual(second.told(), ["pubrel #3", "publish d= q1 dup #4"]);
  second.send({ kind: "puback", packetId: 4 });
  assert.deepEqual(second.answer(), ["publish e= q1 #1"]);
  assert.equal(session.pending, 0);
});

test("[MQTT-2.2.1-3] identifiers that wait to be repeated are given to nothing else", () => {
  let subscribed = 0;
  const all = setUp({
    connected: () => {
      subscribed = all.client().subscribe([{ filter: "s", qos: 0 }]);
    },
  });
  const first = all.connect();
  first.answer();
  for (const topic of ["a", "b", "c"]) all.publish(topic, 1);
  first.take();
  first.wire.break();
  const second = all.connect({ receiveMaximum: 1 }, true);
  assert.equal(subscribed, 1, "the subscription of the first connection had it");
  assert.deepEqual(second.answer(), ["publish a= q1 dup #2", "subscribe s q0 #1"]);
  assert.deepEqual(second.answer(), ["publish b= q1 dup #3"]);
  assert.deepEqual(second.answer(), ["publish c= q1 dup #4"]);
  assert.equal(all.session.pending, 0);
});

test("a release of a message that is not known is told so", () => {
  const { connect } = setUp();
  const server = connect();
  server.publish("a", "x", 2, 7);
  server.send({ kind: "pubrel", packetId: 7 }, { kind: "pubrel", packetId: 8 });
  assert.deepEqual(server.told(), ["pubrec #7", "pubcomp #7", "pubcomp #8 rc146"]);
});
