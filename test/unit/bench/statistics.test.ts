/** Medians, ratios, the latency histogram, and what is read from /proc. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LatencyHistogram } from "../../../scripts/bench-tools/latency-histogram.ts";
import {
  stampPublisher,
  stampSequence,
  stampTime,
  writeStamp,
} from "../../../scripts/bench-tools/stamp.ts";
import { median, mediansOf, ratio } from "../../../scripts/bench-tools/statistics.ts";
import {
  cpuFromMachineStat,
  cpuFromStat,
  residentFromStatus,
  usageBetween,
} from "../../../scripts/bench-tools/usage.ts";

describe("statistics of the benchmark", () => {
  it("takes the middle of an odd number of values and the mean of two middles", () => {
    assert.equal(median([]), undefined);
    assert.equal(median([10, 9, 100]), 10);
    assert.equal(median([4, 1, 2, 9]), 3);
  });

  it("leaves rounds without a figure out of its median", () => {
    const rounds = [
      { rate: 3, latency: undefined },
      { rate: 5, latency: 7 },
    ];
    assert.deepEqual(mediansOf(["rate", "latency"], rounds), { rate: 4, latency: 7 });
  });

  it("has no ratio to what is missing or zero", () => {
    assert.equal(ratio(6, 4), 1.5);
    assert.equal(ratio(6, 0), undefined);
    assert.equal(ratio(6, undefined), undefined);
    assert.equal(ratio(undefined, 4), undefined);
  });
});

describe("the latency histogram", () => {
  it("has no quantiles while it is empty", () => {
    const histogram = new LatencyHistogram();
    assert.equal(histogram.quantile(0.5), undefined);
    histogram.record(5);
    histogram.clear();
    assert.equal(histogram.quantile(0.5), undefined);
  });

  it("is exact for small values", () => {
    const histogram = new LatencyHistogram();
    for (let value = 1; value <= 60; value++) histogram.record(value);
    assert.equal(histogram.quantile(0.5), 30);
    assert.equal(histogram.quantile(1), 60);
  });

  it("is within a hundredth for any value", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
        const histogram = new LatencyHistogram();
        histogram.record(value);
        const found = histogram.quantile(0.99) as number;
        assert.ok(Math.abs(found - value) <= value / 100, `${found} for ${value}`);
      }),
    );
  });

  it("tells the quantiles of values that are spread widely", () => {
    const histogram = new LatencyHistogram();
    for (let count = 0; count < 980; count++) histogram.record(100);
    for (let count = 0; count < 20; count++) histogram.record(1_000_000);
    const middle = histogram.quantile(0.5) as number;
    const high = histogram.quantile(0.99) as number;
    assert.ok(Math.abs(middle - 100) <= 1);
    assert.ok(Math.abs(high - 1_000_000) <= 10_000);
  });
});

describe("stamps", () => {
  it("are read as they were written", () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(word, fc.integer({ min: 0, max: 0xffff }), word, (time, publisher, sequence) => {
        const bytes = new Uint8Array(16);
        writeStamp(bytes, 3, time, publisher, sequence);
        assert.equal(stampTime(bytes, 3), time);
        assert.equal(stampPublisher(bytes, 3), publisher);
        assert.equal(stampSequence(bytes, 3), sequence);
      }),
    );
  });
});

describe("figures from /proc", () => {
  it("adds user and system time, whatever the program is called", () => {
    const stat = "4711 (a) b (c) S 1 4711 4711 0 -1 4194304 900 0 0 0 250 125 7 8 20 0 1 0 900";
    assert.equal(cpuFromStat(stat), 3_750_000);
  });

  it("finds the resident memory", () => {
    assert.equal(residentFromStatus("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n"), 2_097_152);
  });

  it("adds what all programs used of the machine, and nothing that was idle or stolen", () => {
    assert.equal(cpuFromMachineStat("cpu  100 20 3 4000 5 6 7 8 0 0\ncpu0 1 2 3\n"), 1_230_000);
  });

  it("gives what is not the server's or the generator's to other programs", () => {
    const begin = { time: 0, server: 1000, generator: 2000, machine: 10_000 };
    const end = { time: 1000, server: 1900, generator: 2300, machine: 11_700 };
    assert.deepEqual(usageBetween(begin, end), {
      elapsed: 1000,
      serverTime: 900,
      serverCores: 0.9,
      generatorCores: 0.3,
      otherCores: 0.5,
    });
  });
});
