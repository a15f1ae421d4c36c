/** The benchmark's command line. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readOptions, UsageError } from "../../../scripts/bench-tools/options.ts";

describe("the benchmark's command line", () => {
  it("measures everything by default, with access rules and both protocols", () => {
    assert.deepEqual(readOptions([]), {
      sections: ["throughput", "latency", "matching", "idle", "away", "bridge", "gateway", "nodes"],
      quick: false,
      only: ["fan-in", "fan-out", "pairs-100", "pairs-1000", "nodes-1", "nodes-50", "nodes-1000"],
      qos: [-1, 0, 1],
      protocols: [4, 5],
      rounds: undefined,
      rules: true,
      topicAlias: false,
      strict: false,
      rate: 1000,
      clients: 10_000,
      nodes: 10_000,
      sleeping: 100_000,
      aedes: false,
      also: undefined,
      json: undefined,
      help: false,
    });
  });

  it("takes sections in any order, and measures them in its own", () => {
    assert.deepEqual(readOptions(["idle", "throughput"]).sections, ["throughput", "idle"]);
    assert.deepEqual(readOptions(["--gateway"]).sections, ["gateway", "nodes"]);
  });

  it("takes lists of cases and of QoS", () => {
    const words = ["--only", "nodes-1, nodes-50", "--qos=-1,1", "--rounds", "5"];
    const { only, qos, rounds } = readOptions(words);
    assert.deepEqual(
      { only, qos, rounds },
      { only: ["nodes-1", "nodes-50"], qos: [-1, 1], rounds: 5 },
    );
  });

  it("takes one protocol or both", () => {
    assert.deepEqual(readOptions(["--protocol", "4"]).protocols, [4]);
    assert.deepEqual(readOptions(["--protocol", "5"]).protocols, [5]);
    assert.deepEqual(readOptions(["--protocol", "both"]).protocols, [4, 5]);
  });

  it("leaves 5.0 and sleeping nodes out of a quick run that does not ask for them", () => {
    assert.deepEqual(readOptions(["--quick"]).protocols, [4]);
    assert.deepEqual(readOptions(["--quick", "--protocol", "both"]).protocols, [4, 5]);
    assert.equal(readOptions(["--quick"]).sleeping, 0);
    assert.equal(readOptions(["--quick", "--sleeping", "500"]).sleeping, 500);
  });

  it("tells a mistake and what there is instead", () => {
    const mistakes: readonly (readonly [words: string[], message: RegExp])[] = [
      [["--only", "fanin"], /no "fanin"; there are fan-in, fan-out/],
      [["--qos", "2"], /no "2"; there are -1, 0, 1/],
      [["--protocol", "3"], /no "3"; there are 4, 5, both/],
      [["--rounds", "0"], /"0" is not a number from 1 to 100/],
      [["--clients", "many"], /--clients: "many" is not a number from 1/],
      [["--rate", "1e3"], /--rate: "1e3" is not a number/],
      [["--fast"], /'--fast'/],
      [["extra"], /no section "extra"; there are throughput, latency/],
    ];
    for (const [words, message] of mistakes) {
      assert.throws(
        () => readOptions(words),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    }
  });
});
