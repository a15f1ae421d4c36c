/** From facts to health. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { HealthFacts } from "../../../src/http/facts.ts";
import { type HealthReport, healthOf } from "../../../src/http/health.ts";
import { BRIDGE, FACTS, LINK, STORE } from "../../kit/process-facts.ts";

function health(some: Partial<HealthFacts>): HealthReport {
  return healthOf({ ...FACTS, ...some });
}

function told(report: HealthReport): string[] {
  return report.problems.map(({ severity, code, name }) =>
    [severity, code, name].filter(Boolean).join(" "),
  );
}

test("a Midge that does its work is ok, and every part is named", () => {
  const report = health({});
  assert.deepEqual(report, {
    status: "ok",
    uptime: 12,
    problems: [],
    parts: {
      broker: "ok",
      store: "ok",
      listeners: { "mqtt-1883": "up" },
      links: { udp: "up" },
      bridges: { cloud: "connected" },
    },
  });
});

describe("the store", () => {
  for (const [state, status, problems] of [
    ["ok", "ok", []],
    ["memory", "ok", []],
    ["slow", "degraded", ["degraded store_slow"]],
    ["low", "failing", ["failing store_low"]],
    ["failing", "failing", ["failing store_failing"]],
  ] as const) {
    test(`${state} is ${status}`, () => {
      const report = health({ store: { ...STORE, state } });
      assert.equal(report.status, status);
      assert.deepEqual(told(report), problems);
      assert.equal(report.parts.store, state);
    });
  }

  test("says what the disk has, without paths", () => {
    for (const [problem, words] of [
      ["IO error: /var/lib/midge/store/000005.log: No space left on device", /it is full/],
      ["EROFS: read-only file system, open '/var/lib/midge/store/LOCK'", /it is read-only/],
      ["IO error: /var/lib/midge/store/LOCK: Permission denied", /rights are missing/],
      ["IO error: /var/lib/midge/store/LOCK: Input/output error", /the log says why/],
    ] as const) {
      const { problems } = health({ store: { ...STORE, state: "failing", problem } });
      assert.match(problems[0]?.text ?? "", words);
      assert.doesNotMatch(problems[0]?.text ?? "", /\/var/);
    }
  });

  test("with damaged files set aside serves on, and names the folders", () => {
    const report = health({ store: { ...STORE, damaged: ["damaged-1", "damaged-2"] } });
    assert.deepEqual(told(report), ["degraded store_damaged"]);
    assert.match(report.problems[0]?.text ?? "", /damaged-1, damaged-2/);
  });

  test("can have two troubles at once", () => {
    const report = health({ store: { ...STORE, state: "low", damaged: ["damaged-1"] } });
    assert.deepEqual(told(report), ["failing store_low", "degraded store_damaged"]);
    assert.equal(report.status, "failing");
  });
});

describe("what comes in", () => {
  test("is not served without memory or files", () => {
    const report = health({ entry: { memoryFull: true, connectionsFull: true } });
    assert.deepEqual(told(report), ["failing memory_full", "failing connections_full"]);
    assert.equal(report.parts.broker, "full");
  });

  test("by a listener or link that is down is failing; by an optional link, degraded", () => {
    const report = health({
      listeners: [{ name: "mqtt-1883", isListening: false, connections: 0 }],
      links: [LINK, { ...LINK, name: "radio", isOpen: false }],
    });
    assert.deepEqual(told(report), ["failing listener_down mqtt-1883", "failing link_down radio"]);
    assert.deepEqual(report.parts.links, { udp: "up", radio: "down" });
    const optional = health({ links: [{ ...LINK, isOpen: false, isOptional: true }] });
    assert.deepEqual(told(optional), ["degraded link_down udp"]);
  });
});

describe("other brokers", () => {
  test("that are away make Midge degraded, never failing", () => {
    const bridges = (["offline", "connecting", "idle", "connected"] as const).map((state) => ({
      ...BRIDGE,
      name: state,
      state,
      queued: state === "offline" ? 1 : 3,
    }));
    const report = health({ bridges, upstreamReachable: false });
    assert.equal(report.status, "degraded");
    assert.deepEqual(told(report), [
      "degraded bridge_offline offline",
      "degraded bridge_connecting connecting",
      "degraded upstream_unreachable",
    ]);
    assert.match(report.problems[0]?.text ?? "", /1 message waits/);
    assert.match(report.problems[1]?.text ?? "", /3 messages wait/);
    assert.equal(report.parts.upstream, "unreachable");
  });

  test("may have any name", () => {
    const { parts } = health({ bridges: [{ ...BRIDGE, name: "__proto__" }] });
    assert.match(JSON.stringify(parts), /"bridges":\{"__proto__":"connected"\}/);
  });
});
