/** The benchmark's tables. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  disturbanceText,
  groupText,
  outcomeOf,
  summaryOf,
} from "../../../scripts/bench-tools/comparison.ts";
import { figure } from "../../../scripts/bench-tools/format.ts";

const CALM = { serverCores: 0.5, generatorCores: 0.5, otherCores: 0 };

const TABLE = {
  columns: [
    { figure: "rate", title: "rate", unit: 1 },
    { figure: "delay", title: "delay ms", unit: 1000 },
  ],
  reference: "rival",
  notesOn: (rounds: readonly { rate: number }[]) =>
    rounds.some(({ rate }) => rate === 0) ? ["STALLED."] : [],
} as const;

const GROUP = {
  case: "case",
  title: "A case",
  rows: [
    {
      name: "ours",
      rounds: [3000, 1000, 2000].map((rate) => ({ ...CALM, rate, delay: 500 })),
      errors: [],
    },
    { name: "rival", rounds: [{ ...CALM, rate: 500, delay: 2000 }], errors: [] },
    { name: "third", rounds: [], errors: ["it did not start", "it did not start"] },
  ],
};

const TARGETS = [
  { row: "ours", figure: "rate", of: "ratio", least: 5 },
  { row: "ours", figure: "delay", of: "value", most: 600 },
] as const;

/** Without the blanks that align columns. */
function linesOf(text: string): readonly string[] {
  return text.split("\n").map((line) => line.replace(/ +/g, " "));
}

describe("the benchmark's comparison", () => {
  it("sums rounds up as medians, and those as ratios to the reference", () => {
    assert.deepEqual(summaryOf(TABLE, GROUP), [
      { name: "ours", median: { rate: 2000, delay: 500 }, ratio: { rate: 4, delay: 0.25 } },
      { name: "rival", median: { rate: 500, delay: 2000 }, ratio: { rate: 1, delay: 1 } },
      {
        name: "third",
        median: { rate: undefined, delay: undefined },
        ratio: { rate: undefined, delay: undefined },
      },
    ]);
  });

  it("has no ratios without the reference", () => {
    const [ours] = summaryOf(TABLE, { ...GROUP, rows: GROUP.rows.slice(0, 1) });
    assert.deepEqual(ours?.ratio, { rate: undefined, delay: undefined });
  });

  it("shows every row, with each cause of failure once", () => {
    assert.deepEqual(linesOf(groupText(TABLE, GROUP)), [
      "A case rate delay ms",
      " ours 2,000 4.00× 0.500 0.250×",
      " rival 500 2.00",
      " third - -",
      " FAILED: it did not start",
      "",
    ]);
  });

  it("says in each column with a target whether it is met", () => {
    assert.deepEqual(linesOf(groupText(TABLE, { ...GROUP, targets: TARGETS })).slice(0, 3), [
      "A case rate ≥5× delay ms ≤0.6",
      " ours 2,000 4.00× missed 0.500 0.250× met",
      " rival 500 2.00",
    ]);
  });

  it("keeps summary and verdicts with the rounds", () => {
    const { rows, summary, verdicts } = outcomeOf(TABLE, { ...GROUP, targets: TARGETS });
    assert.equal(rows.length, 3);
    assert.equal(summary[0]?.ratio.rate, 4);
    assert.deepEqual(
      verdicts.map(({ figure, outcome }) => [figure, outcome]),
      [
        ["rate", "missed"],
        ["delay", "met"],
      ],
    );
  });

  it("says so when the load generator had no time left, or a server stood still", () => {
    const busy = { ...CALM, generatorCores: 0.97, serverCores: 0.62, rate: 0, delay: 1 };
    const group = { ...GROUP, rows: [{ name: "ours", rounds: [busy], errors: [] }] };
    const text = groupText(TABLE, group);
    assert.match(text, /load generator used 97 % of a core, the server 62 %/);
    assert.match(text, /STALLED/);
    assert.doesNotMatch(groupText({ ...TABLE, spins: true }, group), /load generator used/);
  });

  it("says so when other programs used the machine", () => {
    const withOthers = (otherCores: number) => {
      const row = { name: "ours", rounds: [{ ...CALM, otherCores }], errors: [] };
      return disturbanceText([{ case: "case", title: "", rows: [row] }]);
    };
    assert.equal(withOthers(0.1), "");
    assert.match(withOthers(0.5), /Other programs used 50 % of a core/);
  });

  it("shows numbers with the digits that count", () => {
    const shown = [1234567.8, 99.94, 9.999, 0.01234, undefined, Number.NaN].map(figure);
    assert.deepEqual(shown, ["1,234,568", "99.9", "10.00", "0.012", "-", "-"]);
  });
});
