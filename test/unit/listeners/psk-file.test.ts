import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePskFile } from "../../../src/listeners/psk-file.ts";

function parse(text: string) {
  return parsePskFile(new TextEncoder().encode(text));
}

function keys(text: string): Record<string, number[]> {
  const table = parse(text);
  assert.ok(!("problem" in table));
  return Object.fromEntries([...table].map(([identity, key]) => [identity, [...key]]));
}

test("each line is an identity and its key; comments and empty lines are passed over", () => {
  assert.deepEqual(keys("# all\n\na:00ff\r\nb c:AbC\n  d :  01  \n"), {
    a: [0, 255],
    "b c": [10, 188],
    d: [1],
  });
  assert.deepEqual(keys(""), {});
  assert.deepEqual(keys("last:01"), { last: [1] });
});

for (const [text, problem] of [
  ["nonsense", "line 1: expected identity:key, the key in hexadecimal digits"],
  ["a:1\n:22", "line 2: expected identity:key, the key in hexadecimal digits"],
  ["a:0x12", "line 1: the key of a is not made of hexadecimal digits"],
  ["a:12:34", "line 1: the key of a is not made of hexadecimal digits"],
  ["a:", "line 1: the key of a is not made of hexadecimal digits"],
  ["a:1\na:2", "line 2: the identity a stands there twice"],
  [`a:${"00".repeat(257)}`, "line 1: the key of a is longer than 256 bytes"],
  [`a:${" ".repeat(2000)}`, "line 1: the key of a is longer than 256 bytes"],
  [`${"a".repeat(129)}:00`, "line 1: an identity has 128 bytes at most"],
  ["a\u{fffd}b:00", "line 1: the identity is not well-formed UTF-8 text"],
  ["a\u{0}b:00", "line 1: the identity is not well-formed UTF-8 text"],
  [" :00", "line 1: the identity is not well-formed UTF-8 text"],
] as const) {
  test(`${JSON.stringify(text.slice(0, 20))}: ${problem}`, () => {
    assert.deepEqual(parse(text), { problem });
  });
}

test("ill-formed UTF-8 is no identity", () => {
  const bytes = Uint8Array.of(0xc3, 0x28, 0x3a, 0x30, 0x30);
  assert.ok("problem" in parsePskFile(bytes));
});

test("whatever the file holds, the answer is a table or a problem", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const result = parsePskFile(bytes);
      assert.ok("problem" in result || result instanceof Map);
    }),
  );
});
