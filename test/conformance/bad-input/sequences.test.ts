/**
 * Sequences of CONNECT, DISCONNECT, SUBSCRIBE, UNSUBSCRIBE and PUBLISH that brought other brokers down
 * or leaked (CVE-2024-8376, CVE-2025-59946): any of them, by any mixture of versions.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ConnectPacket, Packet } from "../../../src/mqtt/packets.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { assertAlive, assertEmpty } from "../../kit/alive.ts";
import { ScriptedAccess } from "../../kit/scripted-access.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const qos = fc.constantFrom<QoS[]>(0, 1, 2);
const packetId = fc.integer({ min: 1, max: 3 });
const topic = fc.constantFrom("a", "a/b", "b", "$x/y");
const filter = fc.constantFrom("a", "#", "+/b", "$share/g/a", "$share/g/#", "$share/h/+/b", "$x/#");
const clientId = fc.constantFrom("x", "y", "");

const connect: fc.Arbitrary<Packet> = fc
  .record({
    clientId,
    level: fc.constantFrom<(3 | 4 | 5)[]>(3, 4, 5),
    cleanStart: fc.boolean(),
    expiry: fc.constantFrom(undefined, 0, 2, 1000, 0xffffffff),
    will: fc.option(
      fc.record({ topic, qos, retain: fc.boolean(), delay: fc.constantFrom(0, 1, 5) }),
      {
        nil: undefined,
      },
    ),
    receiveMaximum: fc.constantFrom(undefined, 1, 2),
    keepAlive: fc.constantFrom(0, 1),
  })
  .map(({ clientId, level, cleanStart, expiry, will, receiveMaximum, keepAlive }) =>
    connectPacket(clientId, {
      level,
      cleanStart,
      keepAlive,
      properties: level === 5 ? { sessionExpiryInterval: expiry, receiveMaximum } : undefined,
      will:
        will === undefined
          ? undefined
          : {
              topic: will.topic,
              payload: new Uint8Array([1]),
              qos: will.qos,
              retain: will.retain,
              properties: level === 5 ? { willDelayInterval: will.delay } : undefined,
            },
    }),
  );

const packet: fc.Arbitrary<Packet> = fc.oneof(
  connect,
  fc.record({ topic, qos, retain: fc.boolean(), dup: fc.boolean(), packetId, size: fc.nat(3) }).map(
    ({ topic, qos, retain, dup, packetId, size }): Packet => ({
      kind: "publish",
      topic,
      payload: new Uint8Array(size),
      qos,
      retain,
      dup: dup && qos > 0,
      packetId: qos > 0 ? packetId : 0,
    }),
  ),
  fc
    .tuple(fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp"), packetId)
    .map(([kind, id]): Packet => ({ kind, packetId: id })),
  fc
    .tuple(packetId, fc.array(fc.record({ filter, qos }), { minLength: 1, maxLength: 3 }))
    .map(([id, subscriptions]): Packet => ({ kind: "subscribe", packetId: id, subscriptions })),
  fc
    .tuple(packetId, fc.array(filter, { minLength: 1, maxLength: 3 }))
    .map(([id, filters]): Packet => ({ kind: "unsubscribe", packetId: id, filters })),
  fc.constantFrom("pingreq", "disconnect").map((kind): Packet => ({ kind })),
);

type Step =
  | { readonly do: "send"; readonly packet: Packet }
  | { readonly do: "break" | "commit" | "wait" | "stick" | "drain" | "revoke" | "grant" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: packet.map((packet): Step => ({ do: "send", packet })) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom("break", "commit", "wait", "stick", "drain", "revoke", "grant")
      .map((what): Step => ({ do: what })),
  },
);

/** Three connections of whatever version they connect with; one that has ended is dialled anew. */
class Room {
  readonly access = new ScriptedAccess();
  readonly broker = new TestBroker({
    autoCommit: false,
    access: this.access,
    options: { maxQueuedMessages: 4, maxInflightMessages: 3, queueQos0Messages: true },
  });
  readonly clients: (TestClient | undefined)[] = [undefined, undefined, undefined];

  take(which: number, what: Step): void {
    const client = this.clients[which];
    switch (what.do) {
      case "send":
        this.#send(which, what.packet);
        break;
      case "break":
        client?.break();
        this.clients[which] = undefined;
        break;
      case "commit":
        this.broker.disk.commit();
        break;
      case "wait":
        this.broker.clock.advance(700);
        break;
      case "stick":
        if (client !== undefined) client.wire.stuck = 1_000_000;
        break;
      case "drain":
        client?.wire.drain();
        break;
      case "revoke":
        this.access.change({
          mayReceive: (name) => name !== "a",
          mayPublish: (name) => name !== "b",
        });
        break;
      case "grant":
        this.access.change({});
        break;
    }
    for (const [index, each] of this.clients.entries()) {
      // Whatever was sent must be whole packets of that version, and small.
      each?.take();
      if (each?.closed) {
        each.break();
        this.clients[index] = undefined;
      }
    }
  }

  #send(which: number, packet: Packet): void {
    let client = this.clients[which];
    if (client === undefined) {
      const first: ConnectPacket = packet.kind === "connect" ? packet : connectPacket("x");
      client = this.broker.dial(first.level);
      this.clients[which] = client;
      client.send(first);
      if (packet.kind === "connect") return;
    }
    client.send(packet);
  }

  /** Everyone leaves and nobody is kept. */
  clear(): void {
    for (const client of this.clients) client?.break();
    this.access.change({});
    for (const id of [...this.broker.broker.sessions.keys()]) this.broker.connect(id).break();
    this.broker.clock.advance(10_000);
  }
}

test("no sequence by clients of 3.1, 3.1.1 and 5.0 brings the broker down, and nothing is left when all have gone (CVE-2024-8376)", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), step), { maxLength: 80 }), (steps) => {
      const room = new Room();
      for (const [which, what] of steps) room.take(which, what);
      room.clear();
      assertEmpty(room.broker);
      assertAlive(room.broker);
    }),
    { numRuns: 1500 },
  );
});

test("what survives a power cut anywhere in such a sequence is taken up again", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), step), { maxLength: 60 }), (steps) => {
      const room = new Room();
      for (const [which, what] of steps) room.take(which, what);
      // A clock of its own: the timers of the process that died are gone with it.
      const after = room.broker.restart({ autoCommit: true, clock: new VirtualClock() });
      assertAlive(after);
      for (const id of [...after.broker.sessions.keys()]) after.connect(id).break();
      after.clock.advance(10_000);
      assertEmpty(after);
    }),
    { numRuns: 500 },
  );
});

test("a client that is gone in the middle of its packets gets nothing more, and leaves no subscription (CVE-2025-59946)", () => {
  const endings: readonly ((client: TestClient) => void)[] = [
    (client) => client.send({ kind: "disconnect" }),
    (client) => client.break(),
    (client) => client.sendBytes(new Uint8Array([0xf0, 0])),
  ];
  for (const [index, end] of endings.entries()) {
    const broker = new TestBroker();
    const retainer = broker.connect("retainer");
    for (let n = 0; n < 50; n++) retainer.publish(`r/${n}`, "x", 1, n + 1, true);
    const client = broker.connect("c");
    // The wire breaks while retained messages are being handed out.
    let flushed = 0;
    client.wire.onFlush = () => {
      flushed++;
      if (flushed === 10) client.wire.break();
    };
    client.send({ kind: "subscribe", packetId: 1, subscriptions: [{ filter: "r/#", qos: 1 }] });
    client.send({ kind: "unsubscribe", packetId: 2, filters: ["r/#"] });
    end(client);
    retainer.publish("r/1", "late", 1, 99);
    assert.equal(broker.broker.subscriptions.count, 0, `ending ${index}`);
    assert.equal(broker.broker.sessions.has("c"), false);
    assertAlive(broker);
  }
});

test("sessions taken over from within a delivery, a thousand times, leave one", () => {
  const broker = new TestBroker();
  const publisher = broker.connect("p");
  let depth = 0;
  const join = (): void => {
    const client = broker.connect("c", { cleanStart: depth % 2 === 0 });
    client.subscribe("t", 1);
    client.wire.onFlush = () => {
      if (depth++ >= 1000) return;
      client.wire.onFlush = undefined;
      join();
    };
  };
  join();
  for (let n = 1; n <= 1000; n++) publisher.publish("t", "x", 1, n);
  assert.equal(broker.broker.connected, 2);
  assert.ok(broker.broker.sessions.size <= 2);
  assertAlive(broker);
});
