/** The benchmark's table and command line. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { disturbanceText, groupText, summaryOf } from "../../../scripts/bench-tools/comparison.ts";
import { figure } from "../../../scripts/bench-tools/format.ts";
import { readOptions, UsageError } from "../../../scripts/bench-tools/options.ts";

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
    const lines = groupText(TABLE, GROUP).split("\n");
    assert.deepEqual(
      lines.map((line) => line.replace(/ +/g, " ")),
      [
        "A case rate delay ms",
        " ours 2,000 4.00× 0.500 0.250×",
        " rival 500 2.00",
        " third - -",
        " FAILED: it did not start",
        "",
      ],
    );
  });

  it("says so when the load generator had no time left, or a server stood still", () => {
    const busy = { ...CALM, generatorCores: 0.97, serverCores: 0.62, rate: 0, delay: 1 };
    const text = groupText(TABLE, {
      ...GROUP,
      rows: [{ name: "ours", rounds: [busy], errors: [] }],
    });
    assert.match(text, /load generator used 97 % of a core, the server 62 %/);
    assert.match(text, /STALLED/);
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

describe("the benchmark's command line", () => {
  it("measures all brokers' cases by default", () => {
    assert.deepEqual(readOptions([]), {
      quick: false,
      only: ["fan-in", "fan-out", "pairs-100", "pairs-1000"],
      qos: [0, 1],
      rounds: undefined,
      strict: false,
      gateway: false,
      json: undefined,
      help: false,
    });
  });

  it("takes lists, and knows which cases and QoS the gateway has", () => {
    const { only, qos, rounds } = readOptions([
      "--gateway",
      "--only",
      "nodes-1, nodes-50",
      "--qos=-1,1",
      "--rounds",
      "5",
    ]);
    assert.deepEqual(
      { only, qos, rounds },
      { only: ["nodes-1", "nodes-50"], qos: [-1, 1], rounds: 5 },
    );
  });

  it("tells a mistake and what there is instead", () => {
    const mistakes: readonly (readonly [words: string[], message: RegExp])[] = [
      [["--only", "fanin"], /no "fanin"; there are fan-in, fan-out/],
      [["--qos", "2"], /no "2"; there are 0, 1/],
      [["--rounds", "0"], /"0" is not a number from 1 to 100/],
      [["--fast"], /'--fast'/],
      [["extra"], /'extra'/],
    ];
    for (const [words, message] of mistakes) {
      assert.throws(
        () => readOptions(words),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    }
  });
});
