/** What a bridge does with messages for which there is no room, or that have waited too long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GivenBridgeOptions } from "../../../src/bridge/options.ts";
import { Reason } from "../../../src/mqtt/reason-codes.ts";
import type { ServerEnd } from "../../kit/server-end.ts";
import { TestBridge, topic } from "../../kit/test-bridge.ts";
import { TestBroker, type TestClient } from "../../kit/test-broker.ts";

const OUT = [topic("#", "out", 2)];

function answersOf(client: TestClient): number[] {
  return client
    .take()
    .flatMap((packet) => (packet.kind === "puback" ? [packet.reasonCode ?? 0] : []));
}

/** All that the remote broker gets, acknowledged. */
function fetched(remote: ServerEnd): string[] {
  const got: string[] = [];
  for (let told = remote.answer(); told.length > 0; told = remote.answer()) {
    for (const line of told) {
      const [, payload] = /^publish \S+?=(\S+)/.exec(line) ?? [];
      if (payload !== undefined) got.push(payload);
    }
  }
  return got;
}

/** A bridge whose remote broker is away, and a client of MQTT 5.0 that has published "1" to "5" at QoS 1. */
function offline(options: Partial<GivenBridgeOptions>, here = new TestBroker()) {
  const bridge = new TestBridge({ topics: OUT, options, here });
  bridge.bridge.start();
  const client = here.connect5("c");
  for (let id = 1; id <= 5; id++) client.publish("a", `${id}`, 1, id);
  return { bridge, client, answers: answersOf(client) };
}

for (const [queuePolicy, expected, answers, counters] of [
  ["drop-newest", ["1", "2", "3"], [0, 0, 0, 0, 0], { full: 2, refused: 0 }],
  ["drop-oldest", ["3", "4", "5"], [0, 0, 0, 0, 0], { full: 2, refused: 0 }],
  ["refuse", ["1", "2", "3"], [0, 0, 0, 0x97, 0x97], { full: 0, refused: 2 }],
] as const) {
  test(`${queuePolicy}: when the remote broker comes back it gets ${expected.join(", ")}`, () => {
    const given = { queuePolicy, maxQueuedMessages: 3 };
    const { bridge, answers: found } = offline(given);
    assert.deepEqual(found, answers);
    const { queueDroppedFull, queueRefused, dropped } = bridge.bridge.counters;
    assert.deepEqual({ full: queueDroppedFull, refused: queueRefused }, counters);
    assert.equal(dropped, 0);
    assert.deepEqual(fetched(bridge.accept()), expected);
  });
}

test("the broker's policy and age do not hold for bridges, over a restart, too", () => {
  const options = { queuePolicy: "refuse", maxQueuedMessages: 2, maxQueuedAge: 10 } as const;
  const { bridge } = offline({ maxQueuedMessages: 4 }, new TestBroker({ options }));
  bridge.here.clock.advance(3_600_000);
  bridge.here.disk.commit();
  const after = bridge.here.restart({ options });
  after.clock.advance(60_000);
  const second = new TestBridge({ topics: OUT, here: after, options: { maxQueuedMessages: 4 } });
  second.bridge.start();
  assert.deepEqual(fetched(second.accept()), ["1", "2", "3", "4"]);
});

test("messages grow old while the remote broker is away, are counted, and the rest comes", () => {
  const { bridge, client } = offline({ maxQueuedAge: 600, reportInterval: 10_000 });
  const { clock } = bridge.here;
  clock.advance(400_000);
  client.publish("a", "6", 1, 6);
  clock.advance(300_000);
  assert.equal(bridge.bridge.counters.queueDroppedAge, 5);
  const watch = bridge.here.connect("watch");
  watch.subscribe("$SYS/broker/connection/box.cloud/queue/#");
  assert.deepEqual(watch.messages().sort(), [
    "$SYS/broker/connection/box.cloud/queue/dropped/age=5 retain",
    "$SYS/broker/connection/box.cloud/queue/dropped/full=0 retain",
    "$SYS/broker/connection/box.cloud/queue/refused=0 retain",
  ]);
  assert.deepEqual(fetched(bridge.accept()), ["6"]);
});

test("with interleave the oldest of what has waited is the oldest of all, and grows old first", () => {
  const { bridge, client } = offline({
    backlog: "interleave",
    maxInflight: 1,
    maxQueuedMessages: 6,
    maxQueuedAge: 600,
    queuePolicy: "drop-oldest",
  });
  const remote = bridge.accept();
  remote.take();
  // "1" is on its way. What comes now takes turns with what has waited.
  for (let id = 6; id <= 9; id++) client.publish("a", `${id}`, 1, id);
  assert.equal(bridge.bridge.counters.queueDroppedFull, 2);
  bridge.here.clock.advance(590_000);
  client.publish("a", "10", 1, 10);
  bridge.here.clock.advance(75_000);
  assert.equal(bridge.bridge.counters.queueDroppedFull, 3);
  assert.equal(bridge.bridge.backlog, 2, "the one on its way, and the youngest");
});

test("refuse: what the bridge is not to carry is no reason to refuse it", () => {
  const given = { queuePolicy: "refuse", maxQueuedMessages: 1, exclude: ["x/#"] } as const;
  const { bridge, client } = offline({ ...given, protocol: "mqttv50" });
  client.publish("x/1", "x", 1, 9);
  assert.deepEqual(answersOf(client), [0]);
  client.send({
    kind: "publish",
    topic: "a",
    payload: new Uint8Array(1),
    qos: 1,
    packetId: 10,
    retain: false,
    dup: false,
    properties: { userProperties: [["midge-via", "here"]] },
  });
  assert.deepEqual(answersOf(client), [0]);
  assert.deepEqual([bridge.bridge.counters.looped, bridge.bridge.counters.queueRefused], [1, 4]);
});

test("refuse: what the remote broker sends is not refused, but dropped for who has no room alone", () => {
  const here = new TestBroker({ options: { queuePolicy: "refuse", maxQueuedMessages: 1 } });
  const away = here.connect("away", { cleanStart: false });
  away.subscribe("a", 1);
  away.break();
  const reader = here.connect("reader");
  reader.subscribe("a", 1);
  const bridge = new TestBridge({ here, topics: [topic("a", "in", 1)] });
  const remote = bridge.start();
  for (let id = 1; id <= 3; id++) remote.publish("a", `${id}`, 1, id);
  assert.deepEqual(remote.told(), ["puback #1", "puback #2", "puback #3"]);
  assert.equal(reader.messages().length, 3);
  assert.equal(here.broker.counters.queueDroppedFull, 2);
  assert.equal(here.broker.counters.queueRefused, 0);
  const client = here.connect5("c");
  client.publish("a", "4", 1, 1);
  assert.deepEqual(answersOf(client), [Reason.quotaExceeded]);
});
