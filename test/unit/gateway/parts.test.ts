/** The gateway's smaller parts by themselves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryBound } from "../../../src/gateway/memory-bound.ts";
import { PredefinedTopics } from "../../../src/gateway/predefined-topics.ts";
import { RateLimit } from "../../../src/gateway/rate-limit.ts";
import { SleepWishes } from "../../../src/gateway/sleep-wishes.ts";
import { patience } from "../../../src/gateway/supervision.ts";
import { TopicRegistry } from "../../../src/gateway/topic-registry.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

test("a registry finds by name and by id what was assigned and restored, in any order", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 60 });
  const taken = fc.uniqueArray(fc.integer({ min: 1, max: 260 }), { maxLength: 60 });
  fc.assert(
    fc.property(ids, fc.nat(40), taken, (restored, assigned, reserved) => {
      const registry = new TopicRegistry();
      const names = new Map<number, string>();
      for (const id of restored) {
        assert.equal(registry.restore(id, `r${id}`), true);
        names.set(id, `r${id}`);
      }
      for (let count = 0; count < assigned; count++) {
        const entry = registry.assign(`a${count}`, (id) => reserved.includes(id));
        assert.ok(entry);
        assert.equal(reserved.includes(entry.id), false);
        assert.equal(names.has(entry.id), false);
        names.set(entry.id, `a${count}`);
      }
      assert.equal(registry.size, names.size);
      for (const [id, name] of names) {
        assert.equal(registry.get(id)?.name, name);
        assert.equal(registry.find(name)?.id, id);
      }
      for (let id = 0; id < 320; id++) assert.equal(registry.get(id) !== undefined, names.has(id));
    }),
  );
});

test("a registry refuses what it holds already and the reserved ids", () => {
  const registry = new TopicRegistry();
  assert.equal(registry.restore(5, "a"), true);
  assert.equal(registry.restore(5, "b"), false);
  assert.equal(registry.restore(6, "a"), false);
  assert.equal(registry.restore(0, "b"), false);
  assert.equal(registry.restore(0xffff, "b"), false);
  assert.equal(registry.restore(0xfffe, "b"), true);
  assert.equal(
    registry.assign("c", () => false),
    undefined,
  );
});

test("a rate limit lets so many through per key and span, and bounds its memory", () => {
  const clock = new VirtualClock();
  const limit = new RateLimit(clock, 2, 1000);
  assert.deepEqual(
    [1, 2, 3].map(() => limit.allow("a")),
    [true, true, false],
  );
  assert.equal(limit.allow("b"), true);
  clock.advance(999);
  assert.equal(limit.allow("a"), false);
  clock.advance(1);
  assert.equal(limit.allow("a"), true);
  let allowed = 0;
  for (let key = 0; key < 5000; key++) if (limit.allow(`key${key}`)) allowed++;
  assert.ok(allowed < 1000);
  clock.advance(1000);
  assert.equal(limit.allow("another"), true);
});

test("a rate of 0 allows nothing", () => {
  assert.equal(new RateLimit(new VirtualClock(), 0, 1000).allow("a"), false);
});

test("wishes to sleep hold for their time, once each, and are bounded", () => {
  const clock = new VirtualClock();
  const wishes = new SleepWishes(clock);
  wishes.note("a", 60, 90_000);
  wishes.note("b", 30, 45_000);
  clock.advance(45_000);
  assert.deepEqual(
    [wishes.take("a"), wishes.take("a"), wishes.take("b")],
    [60, undefined, undefined],
  );
  for (let n = 0; n <= 1000; n++) wishes.note(`${n}`, n, 1000);
  assert.deepEqual([wishes.take("0"), wishes.take("1"), wishes.take("1000")], [undefined, 1, 1000]);
});

test("a memory bound takes all or nothing", () => {
  const memory = new MemoryBound(10);
  assert.equal(memory.take(8), true);
  assert.equal(memory.take(3), false);
  assert.equal(memory.take(2), true);
  memory.give(4);
  assert.equal(memory.used, 6);
});

test("a node's predefined ids hide those for all, in both directions", () => {
  const topics = new PredefinedTopics([
    { id: 1, name: "one" },
    { id: 2, name: "two" },
    { id: 1, name: "mine", node: "n" },
    { id: 9, name: "two", node: "n" },
    { id: 3, name: "three", node: "" },
    { id: 4, name: "three" },
  ]);
  assert.equal(topics.nameOf("n", 1), "mine");
  assert.equal(topics.nameOf("m", 1), "one");
  assert.equal(topics.idOf("n", "mine"), 1);
  assert.equal(topics.idOf("n", "one"), undefined, "to this node id 1 is something else");
  assert.equal(topics.idOf("n", "two"), 9);
  assert.equal(topics.idOf("m", "two"), 2);
  assert.equal(topics.idOf("m", "three"), 3);
  assert.equal(topics.idOf("m", "mine"), undefined);
  assert.equal(topics.has("n", 9), true);
  assert.equal(topics.has("m", 9), false);
});

test("MQTT-SN 1.2 §7.2: tolerance is 50 % up to a minute and 10 % above", () => {
  assert.deepEqual(
    [1, 60, 61, 100, 65535].map(patience),
    [1500, 90_000, 67_100, 110_000, 72_088_500],
  );
});
