/** Patterns of ClientIds, and predefined topic ids that contradict each other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  isPattern,
  matchesClientId,
  patternsMeet,
  weightOf,
} from "../../../src/topics/client-id-pattern.ts";
import { clash } from "../../../src/topics/predefined-topic.ts";

const letters = fc.stringMatching(/^[ab]{0,6}$/);
const patterns = fc.stringMatching(/^[ab*]{0,6}$/);

test("a star stands for any characters, none included, all else for itself", () => {
  const fits: readonly [string, string, boolean][] = [
    ["a", "a", true],
    ["a", "ab", false],
    ["*", "", true],
    ["a*", "a", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["*b*", "abc", true],
    ["a?", "ab", false],
    ["a.c", "abc", false],
  ];
  for (const [pattern, clientId, expected] of fits) {
    assert.equal(matchesClientId(pattern, clientId), expected, `${pattern} ${clientId}`);
  }
  assert.deepEqual([isPattern("a*"), isPattern("a?")], [true, false]);
});

test("patterns match as the regular expressions that they stand for", () => {
  fc.assert(
    fc.property(patterns, letters, (pattern, clientId) => {
      const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(clientId);
      assert.equal(matchesClientId(pattern, clientId), expected);
    }),
    { numRuns: 1000 },
  );
});

test("two patterns meet where some ClientId fits both", () => {
  const all = [""];
  for (let index = 0; all.length < 511; index++) all.push(`${all[index]}a`, `${all[index]}b`);
  const short = fc.stringMatching(/^[ab*]{0,4}$/);
  fc.assert(
    fc.property(short, short, (one, other) => {
      const witness = all.some((id) => matchesClientId(one, id) && matchesClientId(other, id));
      assert.equal(patternsMeet(one, other), witness);
    }),
    { numRuns: 300 },
  );
});

test("the one that says more weighs more, and a plain ClientId most", () => {
  assert.ok(weightOf("abc*") > weightOf("a*"));
  assert.ok(weightOf("a") > weightOf("abc*"));
  assert.equal(weightOf("*a*"), weightOf("a*"));
});

test("ids clash where a node cannot tell which name is meant", () => {
  const topic = (name: string, node?: string) => ({ id: 1, name, node });
  assert.equal(clash(topic("a"), topic("b")), true);
  assert.equal(clash(topic("a"), topic("b", "*")), true, "both are for all nodes");
  assert.equal(clash(topic("a"), topic("a")), false);
  assert.equal(clash(topic("a"), topic("b", "n")), false, "the node's own goes first");
  assert.equal(clash(topic("a", "n*"), topic("b", "n")), false);
  assert.equal(clash(topic("a", "n*"), topic("b", "*m")), true);
  assert.equal(clash(topic("a", "n*"), topic("b", "m*")), false);
  assert.equal(clash(topic("a", "n*"), topic("b", "nn*")), false, "the longer one goes first");
  assert.equal(clash(topic("a"), { id: 2, name: "b" }), false);
});
