/** What a real Midge tells of itself by HTTP: health, and metrics. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import mqtt from "mqtt";
import type { HealthReport } from "../../src/http/health.ts";
import { type ExposedFamily, parseExposition } from "../kit/exposition.ts";
import { hex } from "../kit/hex.ts";
import { freePort } from "../kit/ports.ts";
import {
  MIDGE,
  mosquittoPub,
  mosquittoSub,
  type RunningMidge,
  runToEnd,
  startMidge,
  startMosquitto,
  temporaryFolder,
} from "../kit/processes.ts";
import { NO_SMALL_DISK, SmallDisk } from "../kit/small-disk.ts";

const OFTEN = "[broker]\nsys_interval = 1";
/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 20_000;

function url(gateway: RunningMidge, path: string): string {
  return `http://127.0.0.1:${gateway.httpPort}${path}`;
}

async function health(gateway: RunningMidge): Promise<HealthReport & { readonly code: number }> {
  const response = await fetch(url(gateway, "/api/v1/health"));
  return { ...((await response.json()) as HealthReport), code: response.status };
}

/** Asks until the answer is as wanted. */
async function untilHealth(
  gateway: RunningMidge,
  test: (report: HealthReport) => boolean,
): Promise<HealthReport & { readonly code: number }> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const report = await health(gateway);
    if (test(report)) return report;
    if (Date.now() > deadline) throw new Error(`health stays ${JSON.stringify(report)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function codes({ problems }: HealthReport): string[] {
  return problems.map(({ code }) => code);
}

async function metrics(
  gateway: RunningMidge,
  headers: Record<string, string> = {},
): Promise<ReadonlyMap<string, ExposedFamily>> {
  const response = await fetch(url(gateway, "/metrics"), { headers });
  assert.equal(response.status, 200);
  return parseExposition(await response.text());
}

function value(
  families: ReadonlyMap<string, ExposedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  return families
    .get(name)
    ?.samples.find((sample) =>
      Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
    )?.value;
}

function basic(text: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(text).toString("base64")}` };
}

/** A Midge whose data is on a small disk of its own. */
async function onSmallDisk(t: TestContext, disk: SmallDisk, more: string): Promise<RunningMidge> {
  const gateway = await startMidge(t);
  await stop(gateway);
  rmSync(join(gateway.folder, "data"), { recursive: true });
  symlinkSync(disk.path, join(gateway.folder, "data"));
  return startMidge(t, { like: gateway, more });
}

async function stop(gateway: RunningMidge): Promise<void> {
  gateway.signal("SIGTERM");
  assert.equal(await gateway.end(), 0);
}

async function kill(gateway: RunningMidge): Promise<void> {
  gateway.signal("SIGKILL");
  await gateway.end();
}

test("a Midge that does its work is healthy, and says so without a login", async (t) => {
  const passwords = join(temporaryFolder(t), "passwords");
  await runToEnd(t, process.execPath, [MIDGE, "passwd", "-b", "-c", passwords, "ada", "secret"]);
  const gateway = await startMidge(t, { more: `[access]\npassword_file = "${passwords}"` });
  const { code, status, problems, parts } = await health(gateway);
  assert.deepEqual([code, status, problems], [200, "ok", []]);
  assert.deepEqual(
    [parts.broker, parts.store, Object.values(parts.listeners), Object.values(parts.links)],
    ["ok", "ok", ["up"], ["up"]],
  );
});

test("a disk below its reserve is a 503 until there is room again, in metrics, too", {
  skip: NO_SMALL_DISK,
}, async (t) => {
  const disk = new SmallDisk(t, 8_000_000);
  const gateway = await onSmallDisk(t, disk, `reserve = 1000000\n${OFTEN}`);
  assert.equal((await health(gateway)).code, 200);
  disk.fill(500_000);
  const low = await untilHealth(gateway, ({ status }) => status !== "ok");
  assert.deepEqual([low.code, low.status, codes(low)], [503, "failing", ["store_low"]]);
  assert.doesNotMatch(JSON.stringify(low), new RegExp(disk.path));
  const told = await metrics(gateway);
  assert.equal(value(told, "midge_store_state", { state: "low" }), 1);
  assert.equal(value(told, "midge_health", { status: "failing" }), 1);
  assert.ok((value(told, "midge_disk_free_bytes") ?? Infinity) < 1_000_000);
  disk.empty();
  assert.equal((await untilHealth(gateway, ({ status }) => status === "ok")).code, 200);
  assert.equal(value(await metrics(gateway), "midge_store_state", { state: "ok" }), 1);
});

test("a disk that takes nothing is a 503 that says why, and is over by itself", {
  skip: NO_SMALL_DISK,
}, async (t) => {
  const disk = new SmallDisk(t, 8_000_000);
  let gateway = await onSmallDisk(t, disk, `reserve = 0\n${OFTEN}`);
  await mosquittoPub(t, gateway.mqttPort, "-t", "kept", "-m", "1", "-r", "-q", "1");
  await kill(gateway);
  disk.setReadOnly(true);
  gateway = await startMidge(t, { like: gateway, more: `reserve = 0\n${OFTEN}` });
  const failing = await health(gateway);
  assert.deepEqual([failing.code, codes(failing)], [503, ["store_failing"]]);
  assert.match(failing.problems[0]?.text ?? "", /it is read-only/);
  const words = ["-h", "127.0.0.1", "-p", String(gateway.mqttPort), "-C", "1", "-W", "5"];
  const topic = "$SYS/broker/store/problem";
  const { output } = await runToEnd(t, "mosquitto_sub", [...words, "-t", topic]);
  assert.match(output, /read-only/i);
  disk.setReadOnly(false);
  assert.equal((await untilHealth(gateway, ({ status }) => status === "ok")).code, 200);
});

test("damage found at the start is told until its folder is removed", async (t) => {
  let gateway = await startMidge(t);
  await mosquittoPub(t, gateway.mqttPort, "-t", "kept", "-m", "1", "-r", "-q", "1");
  await kill(gateway);
  const data = join(gateway.folder, "data");
  writeFileSync(join(data, "store", "CURRENT"), new Uint8Array(16));
  gateway = await startMidge(t, { like: gateway, more: OFTEN });
  const aside = readdirSync(data).find((name) => name.startsWith("damaged-")) ?? "";
  const damaged = await health(gateway);
  assert.deepEqual([damaged.code, damaged.status], [200, "degraded"]);
  assert.deepEqual(codes(damaged), ["store_damaged"]);
  assert.ok(damaged.problems[0]?.text.includes(aside));
  assert.equal(value(await metrics(gateway), "midge_store_damaged_folders"), 1);
  rmSync(join(data, aside), { recursive: true });
  assert.equal((await health(gateway)).status, "ok");
  assert.equal(value(await metrics(gateway), "midge_store_damaged_folders"), 0);
});

test("a link that is not open is a 503, a bridge that is offline is not", async (t) => {
  const remote = await startMosquitto(t);
  const bridge = (name: string, port: number) => `[[bridge]]
name = "${name}"
address = "127.0.0.1:${port}"
topic = [ { pattern = "up/#", direction = "out", qos = 1 } ]
`;
  const gateway = await startMidge(t, {
    more: bridge("site", remote.port) + bridge("cloud", await freePort()),
  });
  const report = await untilHealth(
    gateway,
    ({ parts }) => parts.bridges.site === "connected" && parts.bridges.cloud === "offline",
  );
  assert.deepEqual([report.code, report.status], [200, "degraded"]);
  assert.deepEqual(codes(report), ["bridge_offline"]);
  assert.doesNotMatch(JSON.stringify(report), /127\.0\.0\.1/);
  await mosquittoPub(t, gateway.mqttPort, "-t", "up/1", "-m", "hello", "-q", "1");
  await remote.until((text) => text.includes("'up/1'"), "the bridged message");
  const families = await metrics(gateway);
  const ofBridge = (name: string, bridged: string) => value(families, name, { bridge: bridged });
  assert.equal(value(families, "midge_bridge_state", { bridge: "site", state: "connected" }), 1);
  assert.equal(ofBridge("midge_bridge_queued_messages", "cloud"), 1);
  assert.equal(ofBridge("midge_bridge_queued_bytes", "cloud"), 5);
  assert.equal(ofBridge("midge_bridge_connects_total", "site"), 1);
  assert.ok((ofBridge("midge_bridge_failures_total", "cloud") ?? 0) > 0);
  await stop(gateway);

  const other = await startMidge(t, {
    more: '[[link]]\nname = "radio"\ntype = "serial"\npath = "/dev/none-such"\nframing = "slip"',
  });
  const down = await health(other);
  assert.deepEqual([down.code, codes(down)], [503, ["link_down"]]);
  assert.equal(down.parts.links.radio, "down");
  assert.equal(value(await metrics(other), "midge_link_up", { link: "radio" }), 0);
});

test("metrics count messages, clients, sessions, nodes and frames", async (t) => {
  const gateway = await startMidge(t);
  const keeper = await mosquittoSub(t, gateway.mqttPort, "q/#", "-i", "keeper", "-c", "-q", "1");
  keeper.signal("SIGKILL");
  await keeper.end();
  await gateway.until((text) => text.includes("keeper closed its connection"), "the client's end");
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`);
  t.after(() => client.end(true));
  await client.subscribeAsync("live/#");
  for (let n = 0; n < 5; n++) await client.publishAsync(`q/${n}`, "four", { qos: 1 });
  const node = createSocket("udp4");
  t.after(() => node.close());
  const answered = new Promise((resolve) => node.once("message", resolve));
  node.send(hex("0a 04 04 01 003c 6e6f6465"), gateway.udpPort, "127.0.0.1");
  await answered;
  node.send(hex("02 ff"), gateway.udpPort, "127.0.0.1");
  await gateway.until((text) => text.includes("dropped a frame"), "the bad frame");
  const families = await metrics(gateway);
  const clients = (origin: string, state: string) =>
    value(families, "midge_clients", { origin, state });
  assert.deepEqual(
    [clients("mqtt", "connected"), clients("mqtt", "away"), clients("mqtt-sn", "connected")],
    [1, 1, 1],
  );
  assert.equal(value(families, "midge_queued_messages"), 5);
  assert.equal(value(families, "midge_queued_bytes"), 20);
  assert.ok((value(families, "midge_publish_received_total") ?? 0) >= 5);
  assert.equal(value(families, "midge_nodes", { state: "active" }), 1);
  assert.equal(value(families, "midge_link_received_frames_total"), 2);
  const bad = families.get("midge_link_bad_frames_total")?.samples ?? [];
  assert.equal(
    bad.reduce((sum, sample) => sum + sample.value, 0),
    1,
  );
  assert.ok((value(families, "midge_store_commits_total") ?? 0) > 0);
});

test("metrics ask for a password where the page does, and for the right to read $SYS", async (t) => {
  const folder = temporaryFolder(t);
  const passwords = join(folder, "passwords");
  for (const [user, more] of [
    ["prometheus", ["-c"]],
    ["ada", []],
  ] as const) {
    const words = [MIDGE, "passwd", "-b", ...more, passwords, user, "secret"];
    assert.equal((await runToEnd(t, process.execPath, words)).code, 0);
  }
  const rules = join(folder, "rules");
  writeFileSync(rules, "user prometheus\ntopic read $SYS/#\nuser ada\ntopic readwrite #\n");
  const gateway = await startMidge(t, {
    more: `[access]\npassword_file = "${passwords}"\nacl_file = "${rules}"`,
  });
  const ask = async (headers: Record<string, string>) =>
    (await fetch(url(gateway, "/metrics"), { headers })).status;
  assert.equal(await ask({}), 401);
  assert.equal(await ask(basic("prometheus:wrong")), 401);
  assert.equal(await ask(basic("prometheus:secret")), 200);
  assert.equal(await ask(basic("ada:secret")), 403);
  await metrics(gateway, basic("prometheus:secret"));
  const file = join(gateway.folder, "midge.toml");
  writeFileSync(file, readFileSync(file, "utf8").replace("[http]", "[http]\nmetrics = false"));
  gateway.signal("SIGHUP");
  await gateway.until((text) => text.includes("Configuration changed: http.metrics"), "the reload");
  assert.equal(await ask(basic("prometheus:secret")), 404);
});

test("the library of metrics is in a file of its own, which nothing loads before it is needed", () => {
  const dist = join(MIDGE, "..");
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" });
  const holders = files.filter((name) => /prom-client-\w+\.mjs$/.test(name));
  assert.equal(holders.length, 1);
  for (const name of files.filter((one) => one.endsWith(".mjs"))) {
    const text = readFileSync(join(dist, name), "utf8");
    assert.doesNotMatch(text, /^(?:import|\} from) .*prom-client-/m, name);
  }
});
