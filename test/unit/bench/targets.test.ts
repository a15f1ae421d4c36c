/** What the benchmark's figures are to come to. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withinLimit } from "../../../scripts/bench-tools/file-limit.ts";
import {
  judge,
  limitText,
  type Target,
  verdictsText,
} from "../../../scripts/bench-tools/targets.ts";

const COLUMNS = [{ figure: "memory", title: "MB", unit: 1e6 }] as const;

function verdictOn(target: Target<"memory">, memory: number | undefined, ratio?: number) {
  const summary = [{ name: "ours", median: { memory }, ratio: { memory: ratio } }];
  return judge(target, "A case", COLUMNS, summary);
}

describe("the benchmark's targets", () => {
  it("shows a limit as the table shows the figure", () => {
    const target = { row: "ours", figure: "memory" } as const;
    assert.equal(limitText({ ...target, of: "value", most: 400e6 }, 1e6), "≤400");
    assert.equal(limitText({ ...target, of: "ratio", least: 3 }, 1e6), "≥3×");
    assert.equal(limitText({ ...target, of: "ratio", least: 1, most: 2 }, 1), "≥1× ≤2×");
  });

  it("counts the limit itself as met", () => {
    const target = { row: "ours", figure: "memory", of: "value", most: 400e6 } as const;
    assert.equal(verdictOn(target, 400e6).outcome, "met");
    assert.equal(verdictOn(target, 401e6).outcome, "missed");
  });

  it("judges a ratio by the ratio", () => {
    const target = { row: "ours", figure: "memory", of: "ratio", least: 3 } as const;
    assert.deepEqual(verdictOn(target, 5, 2.5), {
      title: "A case",
      row: "ours",
      figure: "memory",
      what: "MB",
      limit: "≥3×",
      found: "2.50×",
      outcome: "missed",
    });
  });

  it("leaves open what was not measured", () => {
    const target = { row: "ours", figure: "memory", of: "ratio", least: 3 } as const;
    assert.equal(verdictOn(target, 5, undefined).outcome, "unknown");
    assert.equal(verdictOn({ ...target, row: "another" }, 5, 4).outcome, "unknown");
  });

  it("counts those that were met, and lists the others", () => {
    const target = { row: "ours", figure: "memory", of: "value", most: 400e6 } as const;
    const verdicts = [100e6, 500e6, undefined].map((memory) => verdictOn(target, memory));
    assert.deepEqual(verdictsText(verdicts).split("\n"), [
      "Of 3 targets 1 were met.",
      "  missed: A case, ours: MB 500, not ≤400",
      "  not measured: A case, ours: MB ≤400",
      "",
    ]);
    assert.equal(verdictsText([]), "");
  });
});

describe("the benchmark's number of connections", () => {
  it("is what was asked for where the system allows it", () => {
    assert.deepEqual(withinLimit(10_000, 20_000), { count: 10_000, note: "" });
    assert.deepEqual(withinLimit(10_000, undefined), { count: 10_000, note: "" });
  });

  it("is what the system allows otherwise, and the reason is told", () => {
    const { count, note } = withinLimit(10_000, 1024);
    assert.equal(count, 924);
    assert.match(note, /Only 924 of 10,000: a process may have 1,024 files open/);
  });
});
