/** The reader that judges /metrics refuses what it must. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExposition } from "../../kit/exposition.ts";

const HEAD = "# HELP a_total Help.\n# TYPE a_total counter\n";

test("a family is read with its samples", () => {
  const text = `${HEAD}a_total{x="1\\n\\"\\\\",y=""} 1e3\n\n# HELP b Help.\n# TYPE b gauge\nb -Inf\n`;
  const families = parseExposition(text);
  assert.deepEqual(families.get("a_total")?.samples, [
    { name: "a_total", labels: { x: '1\n"\\', y: "" }, value: 1000 },
  ]);
  assert.equal(families.get("b")?.samples[0]?.value, -Infinity);
});

for (const [what, text] of [
  ["no end of the last line", `${HEAD}a_total 1`],
  ["a sample without a family", "a_total 1\n"],
  ["a sample of another family", `${HEAD}b_total 1\n`],
  ["the same sample twice", `${HEAD}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 2\n`],
  ["no TYPE", "# HELP a_total Help.\na_total 1\n"],
  ["no HELP", "# TYPE a_total counter\na_total 1\n"],
  ["a type that does not exist", "# HELP a Help.\n# TYPE a number\na 1\n"],
  ["a family in two places", `${HEAD}a_total 1\n# HELP b Help.\n# TYPE b gauge\nb 1\n${HEAD}`],
  ["a wrong number", `${HEAD}a_total one\n`],
  ["no number", `${HEAD}a_total\n`],
  ["a negative counter", `${HEAD}a_total -1\n`],
  ["a wrong label name", `${HEAD}a_total{1x="1"} 1\n`],
  ["a label twice", `${HEAD}a_total{x="1",x="2"} 1\n`],
  ["labels that are not parted", `${HEAD}a_total{x="1"y="2"} 1\n`],
  ["labels that do not end", `${HEAD}a_total{x="1" 1\n`],
  ["an unknown escape", `${HEAD}a_total{x="\\t"} 1\n`],
] as const) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseExposition(text));
  });
}
