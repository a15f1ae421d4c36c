/** `max_queued_age`: what has waited for too long is dropped, in memory and on the disk, over restarts too. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker, type TestBrokerSettings, type TestClient } from "../../kit/test-broker.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const kept = { cleanStart: false };
const options = { maxQueuedAge: 60, maxQueuedMessages: 0 };
const EPOCH = Date.UTC(2026, 0, 1);

/** A client that subscribes to "t" at this QoS and then goes away. */
function leave(broker: TestBroker, qos: 0 | 1 | 2 = 1, filter = "t"): void {
  const away = broker.connect("away", kept);
  away.subscribe(filter, qos);
  away.break();
}

function publish(broker: TestBroker, from: number, to: number, qos: 0 | 1 | 2 = 1): void {
  const publisher = broker.connect("publisher");
  for (let n = from; n < to; n++)
    publisher.publish("t", `${n}`, qos, qos === 0 ? 0 : 1 + (n % 9000));
  broker.disk.commit();
}

/** All payloads that come, acknowledged. */
function fetched(client: TestClient): string[] {
  const all: string[] = [];
  for (;;) {
    const packets = client.take();
    if (packets.length === 0) return all;
    for (const packet of packets) {
      if (packet.kind === "publish") {
        all.push(new TextDecoder().decode(packet.payload));
        const { qos, packetId } = packet;
        if (qos > 0) client.send({ kind: qos === 1 ? "puback" : "pubrec", packetId });
      } else if (packet.kind === "pubrel") {
        client.send({ kind: "pubcomp", packetId: packet.packetId });
      }
    }
  }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `${from + index}`);

const outgoing = ({ broker }: TestBroker) => {
  const session = broker.sessions.get("away");
  assert.ok(session !== undefined);
  return session.outgoing;
};

/** How many deliveries wait in the store. */
const stored = ({ disk }: TestBroker) =>
  disk.records().filter(({ key }) => key.startsWith("q/")).length;

/** The power goes; after `off` ms the process starts with clocks of its own, the wall clock right unless told. */
function restart(
  broker: TestBroker,
  off: number,
  settings: TestBrokerSettings = {},
  wall = broker.clock.wall() + off,
): TestBroker {
  broker.disk.crash();
  const clock = new VirtualClock(wall);
  return new TestBroker({ disk: broker.disk, clock, options, ...settings });
}

for (const qos of [0, 1, 2] as const) {
  test(`QoS ${qos}: what has waited too long does not go to a client that comes back`, () => {
    const broker = new TestBroker({ options: { ...options, queueQos0Messages: true } });
    leave(broker, qos);
    publish(broker, 0, 3, qos);
    broker.clock.advance(40 * SECOND);
    publish(broker, 3, 5, qos);
    broker.clock.advance(21 * SECOND);
    assert.deepEqual(fetched(broker.connect("away", kept)), ["3", "4"]);
    assert.equal(broker.broker.counters.queueDroppedAge, 3);
    assert.equal(broker.broker.counters.publishDropped, 3);
    assert.equal(broker.broker.counters.queueDroppedFull, 0);
    assert.equal(outgoing(broker).backlog, 0);
  });
}

test("a session whose client never comes back gives its memory and its disk back", () => {
  const broker = new TestBroker({ options });
  leave(broker);
  publish(broker, 0, 3);
  assert.equal(stored(broker), 3);
  broker.clock.advance(90 * SECOND);
  broker.disk.commit();
  assert.equal(stored(broker), 0);
  assert.equal(outgoing(broker).backlog, 0);
  assert.equal(outgoing(broker).queuedBytes, 0);
});

test("what is on its way is not dropped, however long its client is silent or away", () => {
  const broker = new TestBroker({ options: { ...options, maxInflightMessages: 2 } });
  const slow = broker.connect("away", kept);
  slow.subscribe("t", 1);
  publish(broker, 0, 5);
  broker.clock.advance(HOUR);
  assert.equal(outgoing(broker).backlog, 2);
  slow.break();
  broker.clock.advance(HOUR);
  assert.deepEqual(fetched(broker.connect("away", kept)), ["0", "1"]);
});

test("of a queue on the disk the old part goes, whoever reads it, and the rest comes in order", () => {
  for (const slow of [false, true]) {
    const broker = new TestBroker({ options });
    leave(broker);
    publish(broker, 0, 3000);
    broker.clock.advance(50 * SECOND);
    publish(broker, 3000, 4000);
    broker.disk.slow = slow;
    broker.clock.advance(30 * SECOND);
    while (broker.disk.serve());
    broker.disk.commit();
    assert.equal(outgoing(broker).backlog, 1000);
    assert.equal(outgoing(broker).queuedBytes, 4000);
    assert.equal(stored(broker), 1000);
    assert.equal(broker.broker.counters.queueDroppedAge, 3000);
    const back = broker.connect("away", kept);
    const got = fetched(back);
    while (broker.disk.serve()) got.push(...fetched(back));
    assert.deepEqual(got, numbers(3000, 4000));
    assert.equal(outgoing(broker).backlogBytes, 0);
    broker.disk.commit();
    assert.equal(stored(broker), 0);
  }
});

test("a client that comes back before the sweep gets nothing old from the disk either", () => {
  const broker = new TestBroker({ options: { ...options, maxQueuedAge: 600 } });
  leave(broker);
  publish(broker, 0, 2000);
  broker.clock.advance(300 * SECOND);
  publish(broker, 2000, 2500);
  // The last look was at 600 s.
  broker.clock.advance(301.5 * SECOND);
  assert.equal(outgoing(broker).backlog, 2500);
  assert.deepEqual(fetched(broker.connect("away", kept)), numbers(2000, 2500));
});

test("age counts over a restart, with the time that the power was off", () => {
  for (const count of [5, 2000]) {
    const broker = new TestBroker({ options });
    leave(broker);
    publish(broker, 0, count);
    broker.clock.advance(20 * SECOND);
    publish(broker, count, count + 5);
    const after = restart(broker, 20 * SECOND);
    assert.equal(outgoing(after).backlog, count + 5);
    after.clock.advance(30 * SECOND);
    assert.equal(outgoing(after).backlog, 5);
    assert.deepEqual(fetched(after.connect("away", kept)), numbers(count, count + 5));
  }
});

test("what has grown too old with the power off is not sent to a client that comes at once", () => {
  const broker = new TestBroker({ options });
  leave(broker);
  publish(broker, 0, 3);
  const after = restart(broker, HOUR);
  assert.deepEqual(fetched(after.connect("away", kept)), []);
  assert.equal(after.broker.counters.queueDroppedAge, 3);
});

test("a wall clock that is wrong or set does not make a queue old", () => {
  const YEARS = 10 * 365 * 24 * HOUR;
  const stories: Record<string, (broker: TestBroker) => TestBroker> = {
    "set on while Midge runs": (broker) => {
      broker.clock.stepWall(YEARS);
      broker.clock.advance(30 * SECOND);
      return broker;
    },
    "set back while Midge runs": (broker) => {
      broker.clock.stepWall(-YEARS);
      broker.clock.advance(30 * SECOND);
      return broker;
    },
    "set on, and a restart after that": (broker) => {
      broker.clock.stepWall(YEARS);
      broker.clock.advance(30 * SECOND);
      broker.disk.commit();
      return restart(broker, SECOND);
    },
    "at its beginning after a restart, and set on then": (broker) => {
      const after = restart(broker, 0, {}, 0);
      after.clock.stepWall(EPOCH);
      return restart(after, SECOND);
    },
    "behind after a restart": (broker) => restart(broker, 0, {}, EPOCH - HOUR),
  };
  for (const [name, story] of Object.entries(stories)) {
    const broker = new TestBroker({ options, clock: new VirtualClock(EPOCH) });
    leave(broker);
    publish(broker, 0, 2);
    assert.deepEqual(fetched(story(broker).connect("away", kept)), ["0", "1"], name);
  }
});

test("queued while the wall clock was never set, a message is not old once it is", () => {
  const broker = new TestBroker({ options, clock: new VirtualClock(0) });
  leave(broker);
  publish(broker, 0, 2);
  const after = restart(broker, 0, {}, EPOCH);
  assert.deepEqual(fetched(after.connect("away", kept)), ["0", "1"]);
});

test("a restart a day does not keep a message for ever, though no clock tells how long it was off", () => {
  let broker = new TestBroker({
    options: { ...options, maxQueuedAge: 7200 },
    clock: new VirtualClock(0),
  });
  leave(broker);
  publish(broker, 0, 2);
  for (let day = 0; day < 3; day++) {
    broker.clock.advance(HOUR);
    broker.disk.commit();
    broker = restart(broker, 0, { options: { ...options, maxQueuedAge: 7200 } }, 0);
  }
  assert.equal(broker.connect("away", kept).messages().length, 0);
});

test("a limit that is set later counts from then, one that is taken away from when it is set again", () => {
  const broker = new TestBroker({ options: { ...options, maxQueuedAge: 0 } });
  const limit = (maxQueuedAge: number) => {
    broker.broker.options = { ...broker.broker.options, maxQueuedAge };
    broker.broker.queueSweep.reload();
  };
  leave(broker);
  publish(broker, 0, 1);
  broker.clock.advance(HOUR);
  assert.equal(broker.clock.scheduler.size, 0);
  limit(600);
  publish(broker, 1, 2);
  broker.clock.advance(500 * SECOND);
  publish(broker, 2, 3);
  assert.equal(outgoing(broker).backlog, 3);
  broker.clock.advance(200 * SECOND);
  assert.equal(outgoing(broker).backlog, 1);
  limit(0);
  broker.clock.advance(HOUR);
  publish(broker, 3, 4);
  assert.equal(outgoing(broker).backlog, 2);
  assert.equal(broker.clock.scheduler.size, 0);
  limit(600);
  broker.clock.advance(599 * SECOND);
  assert.equal(outgoing(broker).backlog, 2);
  broker.clock.advance(61 * SECOND);
  assert.equal(outgoing(broker).backlog, 0);
});

test("what waits from before the limit was set counts from then over restarts, too", () => {
  const without = { options: { ...options, maxQueuedAge: 0 } };
  const broker = new TestBroker(without);
  leave(broker);
  publish(broker, 0, 2);
  const first = restart(broker, HOUR);
  first.clock.advance(40 * SECOND);
  first.disk.commit();
  assert.equal(outgoing(first).backlog, 2);
  const second = restart(first, 10 * SECOND);
  second.clock.advance(30 * SECOND);
  assert.equal(outgoing(second).backlog, 0);
});

test("without the limit for one life, it counts from the next one", () => {
  const broker = new TestBroker({ options });
  leave(broker);
  publish(broker, 0, 1);
  const without = restart(broker, SECOND, { options: { ...options, maxQueuedAge: 0 } });
  publish(without, 1, 2);
  without.clock.advance(HOUR);
  without.disk.commit();
  const again = restart(without, SECOND);
  assert.deepEqual(fetched(again.connect("away", kept)), ["0", "1"]);
});

test("the publisher of what grows old before it is safe is acknowledged then", () => {
  const before = new TestBroker({ options });
  leave(before);
  const broker = before.restart({ options, autoCommit: false });
  const publisher = broker.connect("publisher");
  publisher.publish("t", "x", 1, 7);
  assert.deepEqual(publisher.take(), []);
  broker.clock.advance(90 * SECOND);
  assert.deepEqual(publisher.take(), [{ kind: "puback", packetId: 7 }]);
});

test("what is dropped is told once a minute and client, with why", () => {
  const broker = new TestBroker({ options });
  leave(broker);
  publish(broker, 0, 3);
  broker.clock.advance(135 * SECOND);
  const told = broker.log.lines.filter((line) => line.includes("dropped"));
  const line =
    "warn: Outgoing messages are being dropped for client away: they have waited longer than max_queued_age.";
  assert.deepEqual(told, [line, `${line} (2 messages)`]);
});

test("records are as they were where there is no limit, and 4 bytes longer where there is", () => {
  const lengths = [0, 60].map((maxQueuedAge) => {
    const broker = new TestBroker({ options: { ...options, maxQueuedAge } });
    leave(broker);
    publish(broker, 0, 1);
    const record = broker.disk.records().find(({ key }) => key.startsWith("q/"));
    return [record?.value[0], record?.value.length ?? 0] as const;
  });
  assert.deepEqual(
    lengths.map(([version]) => version),
    [3, 4],
  );
  assert.equal((lengths[1]?.[1] ?? 0) - (lengths[0]?.[1] ?? 0), 4);
});
