/** The subscription tree and the topic tree against plain matching of every filter. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { filterMatches, isTopicFilter } from "../../../src/topics/names.ts";
import { SubscriptionTree } from "../../../src/topics/subscription-tree.ts";
import { TopicTree } from "../../../src/topics/topic-tree.ts";

const level = fc.oneof(
  fc.constantFrom("a", "b", "", "$SYS", "c"),
  // More siblings than are chained, and names that V8 would cut out of the topic.
  fc.nat({ max: 20 }).map((n) => `n${n}`),
  fc.nat({ max: 3 }).map((n) => `a-long-name-of-a-level-${n}`),
);
const topic = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join("/"))
  .filter((name) => name !== "");
const filter = fc
  .array(fc.constantFrom("a", "b", "", "$SYS", "n1", "+", "+"), { minLength: 1, maxLength: 5 })
  .chain((levels) =>
    fc.constantFrom(
      levels.join("/"),
      [...levels, "#"].join("/"),
      [...levels.slice(1), "#"].join("/"),
    ),
  )
  .filter((text) => isTopicFilter(text, 10));

const change = fc.record({
  add: fc.boolean(),
  filter,
  subscriber: fc.constantFrom("x", "y", "z"),
  option: fc.nat({ max: 2 }),
});

test("the subscription tree finds exactly the subscribers whose filters match", () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 40 }),
      fc.array(topic, { maxLength: 20 }),
      (changes, topics) => {
        const tree = new SubscriptionTree<string, number, readonly number[]>((options) => options);
        const plain = new Map<string, { filter: string; subscriber: string; option: number }>();
        for (const { add, filter, subscriber, option } of changes) {
          const key = `${subscriber} ${filter}`;
          if (add) {
            assert.equal(tree.add(filter, subscriber, option), !plain.has(key));
            plain.set(key, { filter, subscriber, option });
          } else {
            assert.equal(tree.remove(filter, subscriber), plain.delete(key));
          }
          assert.equal(tree.size, plain.size);
          for (const name of topics.slice(0, 3)) tree.match(name);
        }
        for (const name of [...topics, ...topics]) {
          const expected = [...plain.values()]
            .filter((entry) => filterMatches(entry.filter, name))
            .map(({ subscriber, option }) => `${subscriber}${option}`)
            .sort();
          const found = tree
            .match(name)
            .flatMap(({ subscriber, grant }) => grant.map((option) => `${subscriber}${option}`))
            .sort();
          assert.deepEqual(found, expected, name);
          const subscribers = tree.match(name).map(({ subscriber }) => subscriber);
          assert.equal(new Set(subscribers).size, subscribers.length);
        }
      },
    ),
  );
});

test("the topic tree finds exactly the topics that a filter matches, each once", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ set: fc.boolean(), topic }), { maxLength: 40 }),
      fc.array(filter, { maxLength: 10 }),
      (changes, filters) => {
        const tree = new TopicTree<string>();
        const plain = new Set<string>();
        for (const { set, topic } of changes) {
          const before = plain.has(topic) ? topic : undefined;
          if (set) {
            assert.equal(tree.set(topic, topic), before);
            plain.add(topic);
          } else {
            assert.equal(tree.delete(topic), before);
            plain.delete(topic);
          }
          assert.equal(tree.size, plain.size);
        }
        for (const text of filters) {
          const expected = [...plain].filter((name) => filterMatches(text, name)).sort();
          const found = tree.find(text);
          assert.deepEqual(found.map(({ topic }) => topic).sort(), expected, text);
          assert.equal(
            found.every(({ topic, value }) => topic === value && tree.get(topic) === value),
            true,
          );
        }
      },
    ),
  );
});

test("a topic of sixty thousand levels neither overflows the stack nor is lost", () => {
  const deep = "/".repeat(60_000);
  const tree = new TopicTree<number>();
  tree.set(deep, 1);
  assert.deepEqual(tree.find("#"), [{ topic: deep, value: 1 }]);
  const subscriptions = new SubscriptionTree<string, number, readonly number[]>(
    (options) => options,
  );
  subscriptions.add(deep, "x", 0);
  assert.equal(subscriptions.match(deep).length, 1);
  assert.equal(subscriptions.remove(deep, "x"), true);
});
