import assert from "node:assert/strict";
import { test } from "node:test";
import { visibleText } from "../../../src/dashboard/model/visible-text.ts";
import {
  ageInWords,
  bytesInWords,
  countInWords,
  durationInWords,
  plural,
} from "../../../src/dashboard/model/wording.ts";

test("ages are told in one unit", () => {
  const cases: [number, string][] = [
    [-5, "now"],
    [1_999, "now"],
    [2_000, "2 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_600_000, "1 h"],
    [86_400_000, "1 d"],
    [400 * 86_400_000, "400 d"],
  ];
  for (const [age, words] of cases) assert.equal(ageInWords(age), words);
});

test("durations are told in two units", () => {
  const cases: [number, string][] = [
    [0.9, "0 s"],
    [59, "59 s"],
    [61, "1 min"],
    [3_660, "1 h 1 min"],
    [93_211, "1 d 1 h"],
  ];
  for (const [seconds, words] of cases) assert.equal(durationInWords(seconds), words);
});

test("sizes are told in the unit that tells enough", () => {
  const cases: [number, string][] = [
    [0, "0 bytes"],
    [999, "999 bytes"],
    [1000, "1.0 kB"],
    [99_949, "99.9 kB"],
    [999_499, "999 kB"],
    [999_501, "1.0 MB"],
    [4_310_000_000, "4.3 GB"],
    [3e18, "3000 PB"],
  ];
  for (const [size, words] of cases) assert.equal(bytesInWords(size), words.replace(" ", "\u202f"));
});

test("counts have their thousands apart, unknown ones a dash", () => {
  assert.equal(countInWords(1_234_567), "1\u202f234\u202f567");
  assert.equal(countInWords(undefined), "–");
  assert.equal(plural(1, "topic"), "1 topic");
  assert.equal(plural(0, "topic"), "0 topics");
});

test("visible text is cut without splitting a character, and shows what hides", () => {
  assert.equal(visibleText("ab😀", 3), "ab�…");
  assert.equal(visibleText("a\nb\u202e\u200dc\ufeff", 10), "a�b��c�");
  assert.equal(visibleText("Grüße 温度 🌱", 20), "Grüße 温度 🌱");
});
