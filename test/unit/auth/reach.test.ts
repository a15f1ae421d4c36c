/** Whether a subscription can ever bring a message, against trying every topic of a small world. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Reach } from "../../../src/auth/reach.ts";
import {
  EVERY_TOPIC,
  EVERY_TOPIC_BUT_CONTROL,
  type TopicRule,
  TopicRules,
} from "../../../src/auth/topic-rules.ts";
import { filterMatches } from "../../../src/topics/names.ts";

/** Every topic name of up to four levels over these words; "z" occurs in no filter. */
const WORDS = ["a", "b", "", "z", "$S", "$CONTROL"];
const WORLD: string[] = [];
for (let names = [...WORDS], depth = 0; depth < 4; depth++) {
  WORLD.push(...names.filter((name) => name !== ""));
  names = names.flatMap((name) => WORDS.slice(0, 4).map((word) => `${name}/${word}`));
}

const filter = fc
  .record({
    first: fc.constantFrom("a", "b", "", "+", "$S", "$CONTROL"),
    rest: fc.array(fc.constantFrom("a", "b", "", "+"), { maxLength: 2 }),
    open: fc.boolean(),
  })
  .map(({ first, rest, open }) => [first, ...rest, ...(open ? ["#"] : [])].join("/"))
  .filter((text) => text !== "");
const anyFilter = fc.oneof(filter, fc.constantFrom("#", "+", "a", "+/#", "$CONTROL/#"));
const rule = fc.record({
  filter: fc.oneof(
    { weight: 8, arbitrary: anyFilter },
    { weight: 1, arbitrary: fc.constantFrom(EVERY_TOPIC, EVERY_TOPIC_BUT_CONTROL) },
  ),
  allow: fc.boolean(),
});

function expected(asked: string, rules: readonly TopicRule[], fallback: boolean): boolean {
  const decided = new TopicRules(rules);
  return WORLD.some((topic) => filterMatches(asked, topic) && (decided.decide(topic) ?? fallback));
}

test("a subscription is refused exactly where no topic of it could be delivered", () => {
  fc.assert(
    fc.property(anyFilter, fc.array(rule, { maxLength: 6 }), fc.boolean(), (asked, rules, open) => {
      assert.equal(new Reach(rules, open).includes(asked), expected(asked, rules, open));
    }),
    { numRuns: 3000 },
  );
});

test("denials that hide a rule together are seen through", () => {
  const rules: TopicRule[] = [
    { filter: "a", allow: false },
    { filter: "a/+", allow: false },
    { filter: "a/+/+/#", allow: false },
    { filter: "a/#", allow: true },
  ];
  assert.equal(new Reach(rules, false).includes("#"), false);
  assert.equal(new Reach(rules, false).includes("a/#"), false);
  assert.equal(new Reach(rules.slice(1), false).includes("#"), true);
});

test("the search gives up on rules made to exhaust it, and accepts", () => {
  const words = ["a", "b", "+"];
  const rules: TopicRule[] = [];
  for (let at = 0; at < 3000; at++) {
    const levels = Array.from({ length: 12 }, (_, level) => words[(at * 7 + level * at) % 3]);
    rules.push({ filter: levels.join("/"), allow: false });
  }
  rules.push({ filter: "c", allow: true });
  assert.equal(new Reach(rules, false).includes("+/+/+/+/+/+/+/+/+/+/+/+"), true);
});
