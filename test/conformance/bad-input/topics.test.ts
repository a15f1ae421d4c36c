/** Topics made to hurt: very deep, empty, beginning with $, as long as they can be. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { WillFields } from "../../../src/mqtt/packets.ts";
import { assertAlive } from "../../kit/alive.ts";
import { hex } from "../../kit/hex.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker } from "../../kit/test-broker.ts";

const KEPT = { cleanStart: false } as const;
const DEEP = "/".repeat(65_535);

function willTo(topic: string, retain = false): WillFields {
  return { topic, payload: new TextEncoder().encode("gone"), qos: 1, retain };
}

test("65 535 levels close the connection in every packet that has topics (CVE-2019-11779)", () => {
  for (const level of [3, 4, 5] as const) {
    for (const topic of [
      DEEP,
      "a/".repeat(32_767),
      "+/".repeat(32_767),
      `$share/g/${"/".repeat(65_000)}`,
    ]) {
      const broker = new TestBroker();
      const attempts = [
        { kind: "subscribe", packetId: 1, subscriptions: [{ filter: topic, qos: 0 }] },
        { kind: "unsubscribe", packetId: 1, filters: [topic] },
      ] as const;
      for (const packet of attempts) {
        const client = broker.connect("c", { level });
        client.send(packet);
        assert.equal(client.closed, true, packet.kind);
      }
      const publisher = broker.connect("c", { level });
      publisher.publish(topic, "x", 1, 1, true);
      assert.equal(publisher.closed, true);
      const dying = broker.dial(level);
      dying.send(connectPacket("c", { level, will: willTo(topic) }));
      assert.equal(dying.closed, true);
      assert.equal(broker.broker.retained.count, 0);
      assert.equal(broker.broker.subscriptions.count, 0);
      assertAlive(broker);
    }
  }
});

test("as many levels as are allowed work, with every wildcard, live and retained", () => {
  const broker = new TestBroker();
  const topic = Array.from({ length: 200 }, (_, level) => `${level}`).join("/");
  const client = broker.connect("c");
  client.subscribe(Array.from({ length: 200 }, () => "+").join("/"));
  client.subscribe(`${Array.from({ length: 199 }, () => "+").join("/")}/#`);
  client.publish(topic, "x", 0, 0, true);
  assert.deepEqual(client.messages(), [`${topic}=x`]);
  const late = broker.connect("late");
  late.subscribe("0/#");
  assert.deepEqual(late.messages(), [`${topic}=x retain`]);
  late.send({ kind: "unsubscribe", packetId: 1, filters: ["0/#"] });
  late.publish(topic, "", 0, 0, true);
  assert.equal(broker.broker.retained.count, 0);
});

test("filters that branch at every level do not make a publish explode", () => {
  const broker = new TestBroker({ options: { maxQueuedMessages: 0 } });
  const client = broker.connect("c");
  // Every mixture of name and wildcard over 12 levels, and + all the way down 200 levels.
  for (let mask = 0; mask < 4096; mask++) {
    const filter = Array.from({ length: 12 }, (_, level) => ((mask >> level) & 1 ? "+" : "a")).join(
      "/",
    );
    client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos: 0 }] });
  }
  for (let depth = 1; depth <= 200; depth++) {
    client.send({
      kind: "subscribe",
      packetId: 1,
      subscriptions: [{ filter: Array.from({ length: depth }, () => "+").join("/"), qos: 0 }],
    });
  }
  client.take();
  for (let count = 0; count < 20; count++) client.publish("a/a/a/a/a/a/a/a/a/a/a/a", "x");
  assert.equal(client.messages().length, 20);
});

/** Names that begin with $ and are nothing that this broker knows. */
const DOLLARS = [
  "$",
  "$$",
  "$/",
  "$/a",
  "$a",
  "$SYSTEM/x",
  "$sys/x",
  "$SY",
  "$SYS",
  "$CONTROL",
  "$CONTROLX/y",
  "$share",
  "$share/",
  "$share/g",
  "$share/g/",
  "$share//t",
  "$share/g/t",
  "$queue/t",
  "$delayed/10/t",
];

test("topics that begin with $ other than $SYS are survived, and reach no wildcard at the first level (CVE-2018-12543)", () => {
  for (const level of [4, 5] as const) {
    for (const topic of DOLLARS) {
      const broker = new TestBroker();
      const watcher = broker.connect("w");
      for (const filter of ["#", "+/#", "+/+", "+"]) watcher.subscribe(filter);
      const client = broker.connect("c", { level });
      client.publish(topic, "x", 0, 0, true);
      client.publish(topic, "x", 1, 1);
      client.publish(topic, "x", 2, 2);
      client.publish(topic, "", 1, 3, true);
      client.break();
      const subscriber = broker.connect("s", { level });
      subscriber.send({
        kind: "subscribe",
        packetId: 1,
        subscriptions: [{ filter: topic, qos: 1 }],
      });
      subscriber.send({ kind: "unsubscribe", packetId: 1, filters: [topic] });
      subscriber.break();
      const dying = broker.dial(level);
      dying.send(connectPacket("d", { level, will: willTo(topic, true) }));
      dying.break();
      assert.deepEqual(watcher.messages(), [], topic);
      assertAlive(broker);
    }
  }
});

test("clients publish nothing under $SYS, as messages, retained messages or wills", () => {
  const broker = new TestBroker();
  const watcher = broker.connect("w");
  watcher.subscribe("$SYS/#", 1);
  for (const topic of ["$SYS/broker/uptime", "$SYS/", "$SYS/a/b", "$SYS/gateway/nodes/x"]) {
    const client = broker.connect("c", { will: willTo(topic, true) });
    client.publish(topic, "forged", 0, 0, true);
    client.publish(topic, "forged", 2, 2, true);
    client.break();
  }
  assert.deepEqual(watcher.messages(), []);
  assert.equal(broker.broker.retained.count, 0);
});

test("nothing is managed by a will to $CONTROL, nor by those who were not given the right to", () => {
  const requests: string[] = [];
  const topic = "$CONTROL/dynamic-security/v1";
  const endpoint = {
    topic,
    handle: (request: Uint8Array) => {
      requests.push(new TextDecoder().decode(request));
    },
  };
  const open = new TestBroker();
  const guarded = new TestBroker({
    access: new ScriptedAccess({ mayPublish: (name) => name !== topic }),
  });
  const managed = new TestBroker({ access: new ScriptedAccess() });
  for (const broker of [open, guarded, managed]) {
    broker.broker.control(endpoint);
    broker.connect("dying", { will: willTo(topic, true) }).break();
    broker
      .connect5("later", {}, { will: { ...willTo(topic), properties: { willDelayInterval: 5 } } })
      .break();
    broker.clock.advance(60_000);
  }
  assert.deepEqual(requests, []);
  for (const broker of [open, guarded]) {
    const client = broker.connect("c");
    client.publish(topic, "{}", 1, 1, true);
    assert.deepEqual(client.take(), [{ kind: "puback", packetId: 1 }]);
  }
  assert.deepEqual(requests, []);
  managed.connect("admin", { username: "admin" }).publish(topic, "{}", 1, 1);
  assert.deepEqual(requests, ["{}"]);
});

test("without any rules nobody manages the broker but from this machine", () => {
  const topic = "$CONTROL/gateway/v1";
  const places = { "127.0.0.1:9": 1, "::1:9": 1, unix: 1, "192.0.2.7:9": 0, "2001:db8::1:9": 0 };
  for (const [remote, expected] of Object.entries(places)) {
    let requests = 0;
    const broker = new TestBroker({ remote, access: new ScriptedAccess({ unruled: true }) });
    broker.broker.control({ topic, handle: () => void requests++ });
    broker.connect("c").publish(topic, "{}", 1, 1);
    assert.equal(requests, expected, remote);
  }
});

test("a request to $CONTROL is not kept as a retained message", () => {
  const topic = "$CONTROL/broker/v1";
  const broker = new TestBroker({ access: new ScriptedAccess() });
  broker.broker.control({ topic, handle: () => {} });
  const client = broker.connect("admin");
  client.publish(topic, "secret", 1, 1, true);
  const late = broker.connect("late");
  late.subscribe("$CONTROL/#", 1);
  assert.deepEqual(late.messages(), []);
  assert.equal(broker.broker.retained.count, 0);
});

test("an empty topic closes the connection, in every packet that has topics (CVE-2021-34432)", () => {
  for (const level of [3, 4, 5] as const) {
    const none = level === 5 ? "00" : "";
    const size = level === 5 ? 1 : 0;
    const packets = [
      `30 0${2 + size} 0000 ${none}`,
      `31 0${2 + size} 0000 ${none}`,
      `32 0${4 + size} 0000 0001 ${none}`,
      `34 0${4 + size} 0000 0001 ${none}`,
      `82 0${5 + size} 0001 ${none} 0000 00`,
      `a2 0${4 + size} 0001 ${none} 0000`,
    ];
    for (const bytes of packets) {
      const broker = new TestBroker();
      const client = broker.connect("c", { level });
      client.sendBytes(hex(bytes));
      assert.equal(client.closed, true, bytes);
      assertAlive(broker);
    }
    const dying = new TestBroker().dial(level);
    dying.send(connectPacket("c", { level, will: willTo("") }));
    assert.equal(dying.closed, true);
  }
});

test("a topic as long as can be, behind a mount point, harms nobody", () => {
  const topic = "t".repeat(65_535);
  const broker = new TestBroker({ policy: { mountPoint: "site/" } });
  const client = broker.connect("c", KEPT);
  client.publish(topic, "x", 1, 1, true);
  client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter: topic, qos: 1 }] });
  client.break();
  const dying = broker.connect("d", { will: willTo(topic, true) });
  dying.break();
  // Whoever has no mount point would see the whole of it, which no packet and no record can hold.
  const plain = broker.restart({ policy: {} });
  const watcher = plain.connect("w");
  watcher.subscribe("#", 1);
  assert.equal(watcher.messages().length, 0);
  assertAlive(plain);
});

test("names of shared subscriptions that are none close the connection", () => {
  for (const level of [4, 5] as const) {
    for (const filter of [
      "$share",
      "$share/",
      "$share/g",
      "$share/g/",
      "$share//t",
      "$share/+/t",
      "$share/#",
      "$share/g#/t",
    ]) {
      const broker = new TestBroker();
      const client = broker.connect("c", { level });
      client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos: 0 }] });
      assert.equal(client.closed, true, filter);
      assert.equal(broker.broker.subscriptions.count, 0);
    }
  }
});
