/** What /metrics tells, as Prometheus reads it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { tallySessions } from "../../../src/broker/session-tally.ts";
import type { MetricFacts } from "../../../src/http/facts.ts";
import { FAMILIES, Metrics } from "../../../src/http/metrics/metrics.ts";
import { type ExposedFamily, parseExposition } from "../../kit/exposition.ts";
import { BRIDGE, FACTS, LINK, STORE } from "../../kit/process-facts.ts";

let facts: MetricFacts = FACTS;
const metrics = new Metrics(() => facts);

async function scrape(
  some: Partial<MetricFacts> = {},
): Promise<ReadonlyMap<string, ExposedFamily>> {
  facts = { ...FACTS, ...some };
  return parseExposition((await metrics.scrape()).text);
}

/** The value of the only sample with these labels; undefined where there is none. */
function value(
  families: ReadonlyMap<string, ExposedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const found = families
    .get(name)
    ?.samples.filter((sample) =>
      Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
    );
  assert.ok((found?.length ?? 0) < 2, `${name} is not unique`);
  return found?.[0]?.value;
}

const src = join(import.meta.dirname, "../../../src");
const README = readFileSync(join(src, "../README.md"), "utf8");

describe("the text", () => {
  test("is well formed, with HELP and TYPE for all, whatever names contain", async () => {
    const name = 'cloud "eu"\\west\nnorth {a="b"} é';
    const families = await scrape({ bridges: [{ ...BRIDGE, name }] });
    for (const family of FAMILIES) assert.ok(families.has(family.name), family.name);
    assert.equal(value(families, "midge_bridge_sent_messages_total", { bridge: name }), 7);
  });

  test("has the numbers of the process, and of its event loop no nonsense", async () => {
    const families = await scrape();
    for (const name of [
      "process_resident_memory_bytes",
      "process_cpu_seconds_total",
      "nodejs_heap_size_used_bytes",
      "nodejs_eventloop_lag_seconds",
    ]) {
      assert.ok(Number.isFinite(value(families, name)), name);
    }
    for (const [name, { samples }] of families) {
      if (!name.startsWith("nodejs_eventloop_lag")) continue;
      for (const { value: lag } of samples) assert.ok(!(lag > 3600), `${name} ${lag}`);
    }
  });

  test("is made once for those who ask together", async () => {
    const [one, other] = await Promise.all([metrics.scrape(), metrics.scrape()]);
    assert.equal(one, other);
  });
});

describe("names", () => {
  test("begin with midge_, have base units, and help is a sentence", () => {
    for (const { name, help, type, labels } of FAMILIES) {
      assert.match(name, /^midge_[a-z_]+$/);
      assert.doesNotMatch(name, /milli|kilo|_ms\b|_kb\b|minutes|hours/);
      assert.equal(name.endsWith("_total"), type === "counter", name);
      assert.match(help, /^[A-Z0-9].*\.$/, name);
      for (const label of labels) assert.doesNotMatch(label, /client|node|topic|address/, name);
    }
    assert.equal(new Set(FAMILIES.map(({ name }) => name)).size, FAMILIES.length);
  });

  test("are all in README, and no others", () => {
    const listed = new Set(README.match(/(?<=`)midge_[a-z_]+(?=`)/g));
    assert.deepEqual([...listed].sort(), FAMILIES.map(({ name }) => name).sort());
  });
});

describe("what is told", () => {
  test("of messages and of those dropped, by why", async () => {
    const { traffic } = FACTS;
    const counters = {
      ...traffic.counters,
      publishDropped: 9,
      queueDroppedFull: 4,
      queueDroppedAge: 2,
      queueRefused: 1,
    };
    const families = await scrape({ traffic: { ...traffic, counters } });
    const dropped = (reason: string) => value(families, "midge_publish_dropped_total", { reason });
    assert.deepEqual([dropped("queue_full"), dropped("too_old"), dropped("other")], [4, 2, 3]);
    assert.equal(value(families, "midge_publish_refused_total"), 1);
    assert.equal(value(families, "midge_publish_received_total"), 9);
  });

  test("of sessions, by how clients came and whether they are there", async () => {
    const outgoing = { backlog: 5, backlogBytes: 500, queueLength: 3, queuedBytes: 300 };
    const sessions = tallySessions([
      { origin: "mqtt", persistent: true, peer: {}, outgoing },
      { origin: "mqtt", persistent: true, peer: undefined, outgoing },
      { origin: "bridge", persistent: false, peer: {}, outgoing: { ...outgoing, backlog: 0 } },
    ]);
    const families = await scrape({ traffic: { ...FACTS.traffic, sessions } });
    const clients = (origin: string, state: string) =>
      value(families, "midge_clients", { origin, state });
    assert.deepEqual(
      [clients("mqtt", "connected"), clients("mqtt", "away"), clients("bridge", "connected")],
      [1, 1, 1],
    );
    assert.equal(value(families, "midge_sessions_persistent"), 2);
    assert.equal(value(families, "midge_inflight_messages"), 4);
    assert.equal(value(families, "midge_queued_messages"), 6);
    assert.equal(value(families, "midge_queued_bytes"), 600);
  });

  test("of the store, in seconds and bytes, and by state", async () => {
    const families = await scrape({ store: { ...STORE, state: "low", damaged: ["damaged-1"] } });
    assert.equal(value(families, "midge_store_state", { state: "low" }), 1);
    assert.equal(value(families, "midge_store_state", { state: "ok" }), 0);
    assert.equal(value(families, "midge_store_unsafe_age_seconds"), 1.5);
    assert.equal(value(families, "midge_store_damaged_folders"), 1);
    assert.equal(value(families, "midge_health", { status: "failing" }), 1);
  });

  test("of what is not known there is no sample, nor is there any more of what has gone", async () => {
    await scrape();
    const families = await scrape({
      store: { ...STORE, perYear: undefined, free: undefined },
      bridges: [],
      nodes: undefined,
      links: [],
    });
    for (const name of [
      "midge_disk_written_year_bytes",
      "midge_disk_free_bytes",
      "midge_bridge_state",
      "midge_nodes",
      "midge_link_up",
      "midge_upstream_up",
    ]) {
      assert.deepEqual(families.get(name)?.samples, [], name);
    }
    const inMemory = await scrape({ store: { ...STORE, state: "memory" } });
    assert.equal(value(inMemory, "midge_store_commits_total"), undefined);
  });

  test("of bridges, by name and state", async () => {
    const families = await scrape({
      bridges: [BRIDGE, { ...BRIDGE, name: "site", state: "offline", queued: 4, queuedBytes: 40 }],
      upstreamReachable: false,
    });
    assert.equal(value(families, "midge_bridge_state", { bridge: "site", state: "offline" }), 1);
    assert.equal(value(families, "midge_bridge_state", { bridge: "cloud", state: "offline" }), 0);
    assert.equal(value(families, "midge_bridge_queued_messages", { bridge: "site" }), 4);
    const counters = { ...BRIDGE.counters, dropped: 1, queueDroppedFull: 2, queueRefused: 3 };
    const lossy = await scrape({ bridges: [{ ...BRIDGE, counters }] });
    const dropped = (reason: string) =>
      value(lossy, "midge_bridge_dropped_messages_total", { reason });
    assert.deepEqual([dropped("remote"), dropped("queue_full"), dropped("too_old")], [1, 2, 0]);
    assert.equal(value(lossy, "midge_bridge_refused_publishes_total"), 3);
    assert.equal(value(families, "midge_upstream_up"), 0);
  });

  test("of nodes by state, of links by name and cause", async () => {
    const line = { opened: 2, bytesIn: 900, checksum: 3 };
    const families = await scrape({ links: [LINK, { ...LINK, name: "radio", line }] });
    assert.equal(value(families, "midge_nodes", { state: "asleep" }), 1);
    const bad = { link: "udp", cause: "truncated" };
    assert.equal(value(families, "midge_link_bad_frames_total", bad), 1);
    const events = families.get("midge_link_line_events_total")?.samples;
    assert.deepEqual(
      events?.map(({ labels, value: count }) => [labels.link, labels.event, count]),
      [
        ["radio", "opened", 2],
        ["radio", "checksum", 3],
      ],
    );
  });
});

test("the library is loaded by the first scrape only", () => {
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
    const imports = text.match(/^import .*"prom-client";$/gm) ?? [];
    for (const line of imports) assert.match(line, /^import type /, entry.name);
  }
});
