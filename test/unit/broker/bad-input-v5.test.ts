/** Hostile clients of MQTT 5.0: whatever they send, the broker and everyone else go on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../../src/mqtt/encode.ts";
import type { Packet, SubscriptionRequest } from "../../../src/mqtt/packets.ts";
import type { Properties } from "../../../src/mqtt/properties.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { hex } from "../../kit/hex.ts";
import { packet5 } from "../../kit/mqtt5-packets.ts";
import { Obedience } from "../../kit/obedience.ts";
import { cutFrames, field, frame, properties } from "../../kit/raw-packets.ts";
import { connectPacket, TestBroker, type TestClient } from "../../kit/test-broker.ts";
import malformed from "../mqtt/malformed-v5.json" with { type: "json" };

/** Whether two other clients still reach each other. */
function assertAlive(broker: TestBroker): void {
  const receiver = broker.connect5("alive-receiver");
  const publisher = broker.connect5("alive-publisher");
  receiver.subscribe("alive", 1);
  publisher.publish("alive", "yes", 1, 1);
  assert.deepEqual(receiver.messages(), ["alive=yes q1"]);
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 1 }]);
}

const TABLE: readonly {
  name: string;
  bytes: string;
  reason: string;
  first?: boolean;
  from?: string;
}[] = malformed;

for (const { name, bytes, reason, first, from } of TABLE) {
  if (from === "server") continue;
  test(`closes that connection with a reason and harms nobody: ${name}`, () => {
    const broker = new TestBroker();
    const client = first === true ? broker.dial(5) : broker.connect5("bad");
    client.sendBytes(hex(bytes));
    if (first !== true) assert.equal(client.ending(), reason);
    assert.equal(client.closed, true);
    assertAlive(broker);
  });
}

test("thousands of user properties are taken, passed on in order, and stored, in CONNECT and PUBLISH (CVE-2021-41039)", () => {
  const many = Array.from({ length: 20_000 }, () => ["a", "b"] as const);
  const broker = new TestBroker();
  const to = broker.connect5("to", { sessionExpiryInterval: 10 });
  to.subscribe("t", 1);
  to.break();
  const some = many.slice(0, 15_000);
  const from = broker.connect5("from", { userProperties: some });
  assert.equal(from.connack?.kind === "connack" && from.connack.returnCode, 0);
  from.publish("t", "x", 1, 1, true, false, { userProperties: many });
  const later = broker.restart();
  const back = later.connect5("to", { sessionExpiryInterval: 10 }, { cleanStart: false });
  assert.equal(back.publishes()[0]?.properties?.userProperties?.length, 20_000);
  // More than CONNECT may hold is refused before it is read.
  const client = later.dial(5);
  const pairs = Array.from({ length: 25_000 }, () => "26 0001 61 0001 62").join("");
  client.sendBytes(frame(0x10, field("MQTT"), "05 02 0000", properties(pairs), field("c")));
  assert.equal(client.ending(), "closed");
  assertAlive(later);
});

test("sixty thousand levels in a topic, a filter, a response topic and a will take no stack", () => {
  const deep = "/".repeat(60_000);
  const attempts: readonly (readonly [(client: TestClient) => void, string])[] = [
    [(client) => client.publish(deep, "x"), "0x90"],
    [(client) => client.publishWith({ responseTopic: deep }, "t", "x"), "open"],
    [(client) => client.send({ kind: "unsubscribe", packetId: 1, filters: [deep] }), "0x8f"],
    [
      (client) =>
        client.send({
          kind: "subscribe",
          packetId: 1,
          subscriptions: [{ filter: `$share/g/${deep}`, qos: 0 }],
        }),
      "0x8f",
    ],
  ];
  const broker = new TestBroker();
  for (const [attempt, ending] of attempts) {
    const client = broker.connect5("client");
    attempt(client);
    assert.equal(client.ending(), ending);
  }
  assertAlive(broker);
});

const qos = fc.constantFrom<QoS[]>(0, 1, 2);
const packetId = fc.integer({ min: 1, max: 4 });
const topic = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom("a", "a/b", "b", "/") },
  { weight: 1, arbitrary: fc.constantFrom("$SYS/x", "", "a/#") },
);
const filter = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom("a", "#", "+/b", "a/#", "$share/g/a", "$share/g/#", "$share/h/+"),
  },
  { weight: 1, arbitrary: fc.constantFrom("a#", "$share/g", "") },
);
const text = fc.constantFrom("", "x", "\u{1f600}");

function some<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined, freq: 2 });
}

/** Limits of a client that are soon reached, and sessions that soon end. */
const connectProperties: fc.Arbitrary<Properties> = fc.record({
  receiveMaximum: some(fc.integer({ min: 1, max: 3 })),
  topicAliasMaximum: some(fc.nat({ max: 3 })),
  maximumPacketSize: some(fc.constantFrom(30, 60, 200)),
  sessionExpiryInterval: fc.constantFrom(undefined, 0, 1, 1000, 1000, 0xffffffff),
});

const messageProperties: fc.Arbitrary<Properties> = fc.record({
  topicAlias: some(
    fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 10, 11) },
    ),
  ),
  messageExpiryInterval: some(fc.constantFrom(0, 1, 100)),
  responseTopic: some(topic),
  contentType: some(text),
  userProperties: some(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 3 })),
});

const publish: fc.Arbitrary<Packet> = fc
  .record({
    topic,
    qos,
    retain: fc.boolean(),
    dup: fc.boolean(),
    packetId,
    size: fc.nat(60),
    properties: some(messageProperties),
  })
  .map(({ size, qos, dup, packetId, ...rest }) => ({
    kind: "publish",
    ...rest,
    qos,
    dup: dup && qos > 0,
    packetId: qos > 0 ? packetId : 0,
    payload: new Uint8Array(size),
  }));

const request: fc.Arbitrary<SubscriptionRequest> = fc.record({
  filter,
  qos,
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  retainHandling: fc.constantFrom(0, 1, 2),
});

const packet: fc.Arbitrary<Packet> = fc.oneof(
  { weight: 12, arbitrary: publish },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom("puback", "pubrec", "pubrel", "pubcomp"),
        packetId,
        fc.constantFrom(undefined, undefined, undefined, 0x80),
      )
      .map(([kind, packetId, code]): Packet => {
        const reasonCode = kind === "puback" || kind === "pubrec" ? code : undefined;
        return { kind, packetId, reasonCode };
      }),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        packetId,
        fc.array(request, { minLength: 1, maxLength: 3 }),
        some(fc.nat({ max: 300 })),
      )
      .map(
        ([packetId, subscriptions, identifier]): Packet => ({
          kind: "subscribe",
          packetId,
          subscriptions,
          properties: identifier === undefined ? {} : { subscriptionIdentifiers: [identifier] },
        }),
      ),
  },
  fc
    .tuple(packetId, filter)
    .map(([packetId, filter]): Packet => ({ kind: "unsubscribe", packetId, filters: [filter] })),
  fc.tuple(fc.constantFrom(0, 4, 0x82), some(fc.constantFrom(0, 1, 0xffffffff))).map(
    ([reasonCode, sessionExpiryInterval]): Packet => ({
      kind: "disconnect",
      reasonCode,
      properties: { sessionExpiryInterval },
    }),
  ),
  fc.constant<Packet>({ kind: "pingreq" }),
);

type Step =
  | { readonly do: "send"; readonly packet: Packet }
  | { readonly do: "bytes"; readonly bytes: Uint8Array }
  | { readonly do: "flip"; readonly packet: Packet; readonly place: number; readonly bit: number }
  | { readonly do: "answer" | "break" | "commit" | "restart" | "wait" | "stick" | "drain" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 25, arbitrary: packet.map((packet): Step => ({ do: "send", packet })) },
  { weight: 15, arbitrary: fc.constant<Step>({ do: "answer" }) },
  { weight: 1, arbitrary: packet5.map((packet): Step => ({ do: "send", packet })) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 30 }).map((bytes): Step => ({ do: "bytes", bytes })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(packet, fc.nat(), fc.nat({ max: 7 }))
      .map(([packet, place, bit]): Step => ({ do: "flip", packet, place, bit })),
  },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom("break", "commit", "restart", "wait", "stick", "drain")
      .map((what): Step => ({ do: what })),
  },
);

const arrival = fc.record({
  properties: connectProperties,
  cleanStart: fc.constantFrom(false, false, false, true),
  will: some(
    fc.record({ topic: fc.constantFrom("a", "b"), qos, retain: fc.boolean(), delay: fc.nat(3) }),
  ),
});
type Arrival = typeof arrival extends fc.Arbitrary<infer T> ? T : never;

interface Held {
  readonly client: TestClient;
  readonly obedience: Obedience;
  /** What has come and is not answered. */
  unanswered: Packet[];
}

const NAMES = ["x", "y", "z"] as const;

/** Three clients that are taken through arbitrary steps; one whose connection has ended comes again. */
class Play {
  broker = new TestBroker({ autoCommit: false, options: { maxQueuedMessages: 5 } });
  readonly #arrivals: readonly Arrival[];
  #clients: Held[] = [];
  #count = 0;

  constructor(arrivals: readonly Arrival[]) {
    this.#arrivals = arrivals;
    for (const which of NAMES.keys()) this.#arrive(which);
  }

  carryOut(which: number, step: Step): void {
    const held = this.#clients[which] as Held;
    const { client, obedience } = held;
    switch (step.do) {
      case "send":
        obedience.sending(step.packet);
        client.send(step.packet);
        break;
      case "answer":
        for (const packet of held.unanswered) answer(held, packet);
        held.unanswered = [];
        break;
      case "bytes":
        client.sendBytes(step.bytes);
        break;
      case "flip":
        client.sendBytes(flipped(step.packet, step.place, step.bit));
        // Who knows what it has acknowledged: the next connection is watched again.
        client.sendBytes(hex("0000"));
        client.wire.take();
        break;
      case "break":
        client.break();
        break;
      case "commit":
        this.broker.disk.commit();
        break;
      case "wait":
        this.broker.clock.advance(700);
        break;
      case "stick":
        client.wire.stuck = 1_000_000;
        break;
      case "drain":
        client.wire.drain();
        break;
      case "restart":
        this.broker = this.broker.restart({ options: { maxQueuedMessages: 5 } });
        for (const other of NAMES.keys()) this.#arrive(other);
        return;
    }
    for (const [other, { client }] of this.#clients.entries()) {
      this.#look(other);
      if (client.closed) client.break();
      if (client.closed || (other === which && step.do === "break")) this.#arrive(other);
    }
  }

  #arrive(which: number): void {
    const { properties, cleanStart, will } = this.#arrivals[
      this.#count++ % this.#arrivals.length
    ] as Arrival;
    const client = this.broker.dial(5);
    this.#clients[which] = { client, obedience: new Obedience(properties), unanswered: [] };
    client.send(
      connectPacket(NAMES[which] as string, {
        level: 5,
        cleanStart,
        properties,
        will:
          will === undefined
            ? undefined
            : { ...will, payload: hex("78"), properties: { willDelayInterval: will.delay } },
      }),
    );
    this.#look(which);
    assert.equal(client.closed, false);
  }

  /** Checks what a client has received. */
  #look(which: number): void {
    const held = this.#clients[which] as Held;
    const { client, obedience } = held;
    const bytes = client.wire.output.copy();
    for (const { body } of cutFrames(bytes)) {
      obedience.measured(1 + (body.length < 128 ? 1 : 2) + body.length);
    }
    for (const packet of client.take()) {
      obedience.received(packet);
      held.unanswered.push(packet);
    }
  }
}

/** Answers a packet as its QoS wants it. */
function answer({ client, obedience }: Held, packet: Packet): void {
  const send = (answer: Packet): void => {
    obedience.sending(answer);
    client.send(answer);
  };
  if (packet.kind === "publish" && packet.qos > 0) {
    send({ kind: packet.qos === 1 ? "puback" : "pubrec", packetId: packet.packetId });
  } else if (packet.kind === "pubrel") {
    send({ kind: "pubcomp", packetId: packet.packetId });
  } else if (packet.kind === "pubrec") {
    send({ kind: "pubrel", packetId: packet.packetId });
  }
}

function flipped(packet: Packet, place: number, bit: number): Uint8Array {
  const writer = new ByteWriter();
  encodePacket(writer, packet, 5);
  const bytes = writer.copy();
  const at = place % bytes.length;
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  return bytes;
}

test("no sequence of packets, breaks, commits and restarts brings the broker down, leaks sessions, or has it break its word", () => {
  fc.assert(
    fc.property(
      fc.array(arrival, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat({ max: 2 }), step), { maxLength: 120, size: "max" }),
      (arrivals, steps) => {
        const play = new Play(arrivals);
        for (const [which, step] of steps) play.carryOut(which, step);
        const { broker } = play;
        assert.equal(broker.broker.connected, 3);
        assert.equal(broker.broker.sessions.size, 3);
        broker.disk.commit();
        assertAlive(broker.restart({ autoCommit: true }));
      },
    ),
    { numRuns: 600 },
  );
});

test("when all sessions have ended, nothing is left of them in memory or in the store", () => {
  fc.assert(
    fc.property(
      fc.array(arrival, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat({ max: 2 }), step), { maxLength: 80, size: "max" }),
      (arrivals, steps) => {
        const play = new Play(arrivals);
        for (const [which, step] of steps) play.carryOut(which, step);
        const { broker } = play;
        for (const name of NAMES) broker.connect5(name).send({ kind: "disconnect" });
        broker.clock.advance(5000);
        broker.disk.commit();
        assert.equal(broker.broker.sessions.size, 0);
        assert.equal(broker.broker.subscriptions.count, 0);
        assert.equal(broker.broker.subscriptions.sharedCount, 0);
        const keys = broker.disk.records().map(({ key }) => key);
        // Retained messages are nobody's.
        assert.deepEqual(
          keys.filter((key) => !key.startsWith("r/")),
          [],
        );
      },
    ),
    { numRuns: 200 },
  );
});
