/** All limits of queues together, against a model that is a list, in stories at random. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BrokerOptions } from "../../../src/broker/options.ts";
import type { QoS } from "../../../src/mqtt/qos.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import type { QueuePolicy } from "../../../src/seams/door.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

interface Limits {
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  readonly maxQueuedAge: number;
  readonly queuePolicy: QueuePolicy;
}

type Step =
  | { readonly do: "publish"; readonly qos: QoS; readonly size: number; readonly times: number }
  | { readonly do: "pass"; readonly seconds: number }
  | { readonly do: "limit"; readonly limits: Limits }
  | { readonly do: "restart" }
  | { readonly do: "serve" }
  | { readonly do: "fetch" };

interface Waiting {
  readonly payload: string;
  readonly qos: QoS;
  readonly since: number;
}

type Outcome = "taken" | "refused";

/** What the queue should hold. */
class Model {
  waiting: Waiting[] = [];
  limits: Limits;
  full = 0;
  aged = 0;
  refused = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  publish(message: Waiting): Outcome {
    const { queuePolicy } = this.limits;
    const { qos } = message;
    const lasting = this.waiting.filter((one) => one.qos > 0);
    const canGive = qos > 0 && queuePolicy === "drop-oldest" ? [] : lasting;
    if (!this.#fits([...canGive, message])) {
      if (qos > 0 && queuePolicy === "refuse" && this.#fits([message])) {
        this.refused++;
        return "refused";
      }
      this.full++;
      return "taken";
    }
    while (!this.#fits([...this.waiting, message])) {
      const first = this.waiting.findIndex((one) => one.qos === 0);
      this.waiting.splice(Math.max(0, first), 1);
      this.full++;
    }
    this.waiting.push(message);
    return "taken";
  }

  age(now: number): void {
    const { maxQueuedAge } = this.limits;
    const young = this.waiting.filter(({ since }) => now - since <= maxQueuedAge);
    this.aged += this.waiting.length - young.length;
    this.waiting = young;
  }

  get bytes(): number {
    return this.waiting.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  #fits(messages: readonly Waiting[]): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.limits;
    const bytes = messages.reduce((sum, { payload }) => sum + payload.length, 0);
    const fewEnough = maxQueuedMessages === 0 || messages.length <= maxQueuedMessages;
    return fewEnough && (maxQueuedBytes === 0 || bytes <= maxQueuedBytes);
  }
}

/** A broker and its model, of which the same is asked. */
class Story {
  #broker: TestBroker;
  #publisher: TestClient;
  readonly #model: Model;
  readonly #slow: boolean;
  #count = 0;
  /** Of brokers before a restart. */
  readonly #before = { full: 0, aged: 0, refused: 0 };

  constructor(limits: Limits, slow: boolean) {
    this.#slow = slow;
    this.#model = new Model(limits);
    this.#broker = new TestBroker({ options: this.#options, clock: new VirtualClock() });
    const away = this.#broker.connect("away", { cleanStart: false });
    away.subscribe("t", 2);
    away.break();
    this.#publisher = this.#broker.connect5("p");
    this.#broker.disk.slow = slow;
  }

  step(step: Step): void {
    const { clock, broker } = this.#broker;
    switch (step.do) {
      case "publish":
        for (let time = 0; time < step.times; time++) this.#publish(step.qos, step.size);
        break;
      case "pass":
        clock.advance(step.seconds * 1000);
        this.#settle();
        broker.sessions.get("away")?.outgoing.dropOld();
        this.#settle();
        this.#model.age(this.#seconds);
        break;
      case "limit":
        this.#settle();
        this.#model.limits = step.limits;
        broker.options = { ...broker.options, ...step.limits };
        broker.queueSweep.reload();
        break;
      case "restart":
        this.#restart();
        break;
      case "serve":
        this.#settle();
        break;
      case "fetch":
        this.#fetch();
        break;
    }
  }

  /** What waits and what was counted is as it should be, and in the end nothing is left behind. */
  check(): void {
    this.#settle();
    const { broker, disk } = this.#broker;
    const { counters } = broker;
    const model = this.#model;
    assert.deepEqual(
      {
        waiting: broker.sessions.get("away")?.outgoing.queueLength,
        full: counters.queueDroppedFull + this.#before.full,
        aged: counters.queueDroppedAge + this.#before.aged,
        refused: counters.queueRefused + this.#before.refused,
      },
      { waiting: model.waiting.length, full: model.full, aged: model.aged, refused: model.refused },
    );
    const room = { each: 0, total: 0, used: 0 };
    broker.sessions.get("away")?.outgoing.share(room);
    this.#fetch(room);
    const outgoing = broker.sessions.get("away")?.outgoing;
    assert.deepEqual([outgoing?.backlog, outgoing?.queuedBytes, room.used], [0, 0, 0]);
    disk.commit();
    assert.deepEqual(
      disk.records().filter(({ key }) => /^[pq]\//.test(key)),
      [],
    );
  }

  /** All of them are of one length, so that what waits in the store is as long as it is taken for. */
  checkBytes(): void {
    this.#settle();
    const { broker } = this.#broker;
    assert.equal(broker.sessions.get("away")?.outgoing.queuedBytes, this.#model.bytes);
  }

  get #options(): Partial<BrokerOptions> {
    return { ...this.#model.limits, queueQos0Messages: true };
  }

  get #seconds(): number {
    return Math.floor(this.#broker.clock.now() / 1000);
  }

  #publish(qos: QoS, size: number): void {
    const payload = String(this.#count++).padStart(size, "0");
    const expected = this.#model.publish({ payload, qos, since: this.#seconds });
    const publisher = this.#publisher;
    publisher.publish("t", payload, qos, qos === 0 ? 0 : 1);
    if (qos === 0) return;
    const [answer] = publisher.take();
    assert.ok(answer?.kind === "puback" || answer?.kind === "pubrec");
    const isRefused = answer.reasonCode === Reason.quotaExceeded;
    assert.equal(isRefused ? "refused" : "taken", expected);
    if (qos === 1 || isRefused) return;
    publisher.send({ kind: "pubrel", packetId: 1 });
    publisher.take();
  }

  #restart(): void {
    const { counters } = this.#broker.broker;
    this.#settle();
    this.#before.full += counters.queueDroppedFull;
    this.#before.aged += counters.queueDroppedAge;
    this.#before.refused += counters.queueRefused;
    // QoS 0 in memory is not kept over a restart, unless the queue is long.
    this.#model.waiting = this.#model.waiting.filter(({ qos }) => qos > 0);
    this.#broker.disk.slow = false;
    this.#broker = this.#broker.restart({ options: this.#options });
    this.#broker.disk.slow = this.#slow;
    this.#publisher = this.#broker.connect5("p");
  }

  #fetch(room?: { used: number }): void {
    this.#settle();
    this.#broker.broker.sessions.get("away")?.outgoing.dropOld();
    this.#settle();
    this.#model.age(this.#seconds);
    const expected = this.#model.waiting;
    this.#model.waiting = [];
    const client = this.#broker.connect("away", { cleanStart: false });
    const got: { readonly qos: QoS; readonly payload: string }[] = [];
    for (;;) {
      const packets = client.take();
      if (packets.length === 0 && !this.#broker.disk.serve()) break;
      for (const packet of packets) {
        if (packet.kind === "pubrel") client.send({ kind: "pubcomp", packetId: packet.packetId });
        if (packet.kind !== "publish") continue;
        const { qos, packetId } = packet;
        got.push({ qos, payload: new TextDecoder().decode(packet.payload) });
        if (qos > 0) client.send({ kind: qos === 1 ? "puback" : "pubrec", packetId });
      }
    }
    // QoS 2 may be overtaken while its packet identifier is written.
    for (const level of [0, 1, 2]) {
      const payloads = (all: readonly { readonly qos: QoS; readonly payload: string }[]) =>
        all.filter(({ qos }) => qos === level).map(({ payload }) => payload);
      assert.deepEqual(payloads(got), payloads(expected));
    }
    if (room !== undefined) assert.equal(room.used, 0);
    client.break();
  }

  /** What the disk has been asked for comes, until it is asked for nothing more. */
  #settle(): void {
    this.#broker.disk.commit();
    while (this.#broker.disk.serve()) this.#broker.disk.commit();
  }
}

const policy = fc.constantFrom<QueuePolicy>("drop-newest", "drop-oldest", "refuse");

function limitsOf(
  messages: fc.Arbitrary<number>,
  bytes: fc.Arbitrary<number>,
): fc.Arbitrary<Limits> {
  return fc.record({
    maxQueuedMessages: messages,
    maxQueuedBytes: bytes,
    maxQueuedAge: fc.integer({ min: 5, max: 100 }),
    queuePolicy: policy,
  });
}

const pass = fc.record({
  do: fc.constant("pass" as const),
  seconds: fc.integer({ min: 1, max: 60 }),
});
const plain = fc.constantFrom<Step>({ do: "restart" }, { do: "serve" }, { do: "fetch" });

test("short queues of all QoS, limited by messages, bytes and age, hold what a list would hold", () => {
  const limits = limitsOf(fc.constantFrom(0, 1, 5, 12), fc.constantFrom(0, 7, 40));
  const publish = fc.record({
    do: fc.constant("publish" as const),
    qos: fc.constantFrom<QoS>(0, 1, 2),
    size: fc.integer({ min: 4, max: 12 }),
    times: fc.integer({ min: 1, max: 6 }),
  });
  const limit = fc.record({ do: fc.constant("limit" as const), limits });
  const step = fc.oneof(
    { weight: 6, arbitrary: publish },
    { weight: 3, arbitrary: pass },
    { weight: 1, arbitrary: limit },
    { weight: 1, arbitrary: plain },
  );
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 30 }), (first, steps) => {
      const story = new Story(first, false);
      for (const step of steps) {
        story.step(step);
        story.checkBytes();
      }
      story.check();
    }),
    { numRuns: 300 },
  );
});

test("long queues, of which most is on a slow disk alone, hold what a list would hold", () => {
  const limits = limitsOf(fc.constantFrom(0, 400, 1000), fc.constant(0));
  const publish = fc.record({
    do: fc.constant("publish" as const),
    qos: fc.constant<QoS>(1),
    size: fc.constant(5),
    times: fc.integer({ min: 1, max: 700 }),
  });
  const limit = fc.record({ do: fc.constant("limit" as const), limits });
  const step = fc.oneof(
    { weight: 5, arbitrary: publish },
    { weight: 3, arbitrary: pass },
    { weight: 1, arbitrary: limit },
    { weight: 2, arbitrary: plain },
  );
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 12 }), (first, steps) => {
      const story = new Story(first, true);
      for (const step of steps) story.step(step);
      story.check();
    }),
    { numRuns: 25 },
  );
});
