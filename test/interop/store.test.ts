/** The store of a real process: what it writes, what damage and full disks do to it, backups. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ClassicLevel } from "classic-level";
import mqtt from "mqtt";
import {
  MIDGE,
  mosquittoSub,
  type Program,
  type RunningMidge,
  runToEnd,
  startMidge,
  temporaryFolder,
} from "../kit/processes.ts";
import { NO_SMALL_DISK, SmallDisk } from "../kit/small-disk.ts";

function run(t: TestContext, ...words: string[]) {
  return runToEnd(t, process.execPath, [MIDGE, ...words]);
}

function connect(gateway: RunningMidge, clientId?: string) {
  return mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...(clientId === undefined ? {} : { clientId }),
  });
}

const CONGESTION = 1;

/** The gateway's answer to a retained PUBLISH of QoS 1 on the short topic "ab". */
async function publishAsNode(t: TestContext, gateway: RunningMidge): Promise<number[]> {
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  const ask = (...octets: number[]): Promise<number[]> =>
    new Promise((resolve) => {
      socket.once("message", (answer) => resolve([...answer]));
      socket.send(Uint8Array.of(octets.length + 1, ...octets), gateway.udpPort, "127.0.0.1");
    });
  assert.deepEqual(await ask(0x04, 0x04, 0x01, 0, 60, 0x6e), [3, 0x05, 0]);
  return ask(0x0c, 0x32, 0x61, 0x62, 0, 9, 0x78);
}

/** Has everything written that waits. */
async function save(gateway: RunningMidge): Promise<void> {
  const before = gateway.output.split("Everything is saved.").length;
  gateway.signal("SIGUSR1");
  await gateway.until(
    (text) => text.split("Everything is saved.").length > before,
    "the end of saving",
  );
}

/** Names, sizes and contents of the store's files. */
function footprint(gateway: RunningMidge): string[] {
  const store = join(gateway.folder, "data", "store");
  return readdirSync(store).map((name) => {
    const { size, mtimeMs } = statSync(join(store, name));
    return `${name} ${size} ${mtimeMs}`;
  });
}

async function sys(t: TestContext, gateway: RunningMidge, topic: string): Promise<string> {
  const words = ["-h", "127.0.0.1", "-p", String(gateway.mqttPort), "-C", "1", "-W", "5"];
  return (
    await runToEnd(t, "mosquitto_sub", [...words, "-t", `$SYS/broker/store/${topic}`])
  ).output.trim();
}

/** A session that is kept, with messages in it, and retained ones. */
async function fill(t: TestContext, gateway: RunningMidge): Promise<void> {
  const sub = await mosquittoSub(t, gateway.mqttPort, "q/#", "-i", "keeper", "-c", "-q", "1");
  sub.signal("SIGKILL");
  await sub.end();
  await gateway.until((text) => text.includes("keeper closed its connection"), "the client's end");
  const publisher = await connect(gateway);
  for (let n = 0; n < 50; n++) await publisher.publishAsync(`q/${n}`, `message ${n}`, { qos: 1 });
  await publisher.publishAsync("kept", "retained", { qos: 1, retain: true });
  await publisher.endAsync();
}

async function queued(t: TestContext, gateway: RunningMidge): Promise<string[]> {
  const words = ["-h", "127.0.0.1", "-p", String(gateway.mqttPort), "-W", "2", "-c", "-v"];
  const { output } = await runToEnd(t, "mosquitto_sub", [
    ...words,
    "-i",
    "keeper",
    "-q",
    "1",
    "-t",
    "q/#",
  ]);
  return output.split("\n").filter((line) => line !== "");
}

const EXPECTED = Array.from({ length: 50 }, (_, n) => `q/${n} message ${n}`);

async function stop(gateway: Program): Promise<void> {
  gateway.signal("SIGTERM");
  assert.equal(await gateway.end(), 0);
}

test("QoS 1 to a durable subscriber that acknowledges within the grace time writes not one byte", async (t) => {
  const gateway = await startMidge(t, { more: "grace = 20000\n[broker]\nsys_interval = 1" });
  const uplink = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`, {
    protocolVersion: 5,
    clientId: "uplink",
    clean: false,
    properties: { sessionExpiryInterval: 3600 },
    reconnectPeriod: 0,
  });
  t.after(() => uplink.end(true));
  await uplink.subscribeAsync("readings/#", { qos: 1 });
  let got = 0;
  const publisher = await connect(gateway);
  t.after(() => publisher.end(true));
  uplink.on("message", () => got++);
  await save(gateway);
  const before = footprint(gateway);
  const told = await mosquittoSub(t, gateway.mqttPort, "$SYS/broker/store/bytes/written");
  await told.until((text) => /written [1-9]/.test(text), "the bytes of the session itself");
  for (let n = 0; n < 500; n++) {
    await publisher.publishAsync(`readings/${n % 10}`, `${n}`, { qos: 1 });
  }
  await save(gateway);
  assert.equal(got, 500);
  assert.deepEqual(footprint(gateway), before);
  const uptime = await mosquittoSub(t, gateway.mqttPort, "$SYS/broker/uptime", "-R");
  await uptime.until((text) => text.split(" seconds").length > 3, "two more reports");
  const values = told.lines.filter((line) => /written [1-9]/.test(line));
  assert.equal(values.length, 1, `told of more bytes: ${values.join(", ")}`);
  assert.equal(await sys(t, gateway, "state"), "ok");
});

test("retained updates of the same topic are written together", async (t) => {
  const gateway = await startMidge(t, { more: "[broker]\nsys_interval = 1" });
  const publisher = await connect(gateway);
  t.after(() => publisher.end(true));
  await save(gateway);
  for (let n = 0; n < 3000; n++) publisher.publish("hall/temperature", `21.${n}`, { retain: true });
  await publisher.publishAsync("end", "", { qos: 1 });
  const before = footprint(gateway).map((line) => Number(line.split(" ")[1]));
  await save(gateway);
  const after = footprint(gateway).map((line) => Number(line.split(" ")[1]));
  const sum = (sizes: number[]): number => sizes.reduce((all, size) => all + size, 0);
  assert.ok(sum(after) - sum(before) < 1000, `${sum(after) - sum(before)} bytes for 3000 updates`);
});

test("$SYS and the log tell of commits, bytes and the mode's risk", async (t) => {
  const gateway = await startMidge(t, {
    more: 'mode = "interval"\ninterval = 200\n[broker]\nsys_interval = 1',
  });
  assert.match(gateway.output, /a power cut loses up to 200 ms of what was acknowledged/);
  await fill(t, gateway);
  const sub = await mosquittoSub(t, gateway.mqttPort, "$SYS/broker/store/#");
  await sub.until((text) => /store\/commits [1-9]/.test(text), "commits");
  for (const topic of ["bytes/written", "bytes/today", "disk/free", "state ok"]) {
    await sub.until((text) => text.includes(`$SYS/broker/store/${topic}`), topic);
  }
  await stop(gateway);
  assert.match(gateway.output, /store: \d+ commits, \d+ bytes written; nothing is unsafe/);
});

test("a running Midge is backed up into one file, which restores it elsewhere", async (t) => {
  const gateway = await startMidge(t);
  await fill(t, gateway);
  const data = join(gateway.folder, "data");
  const file = join(gateway.folder, "all.backup");
  const made = await run(t, "backup", file, "--data", data);
  assert.deepEqual([made.code, made.errors], [0, ""]);
  assert.match(made.output, /all\.backup: \d+ records and 0 documents|and \d+ documents/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  // By its configuration as well, and to standard output.
  const piped = await run(t, "backup", "-", "-c", join(gateway.folder, "midge.toml"));
  assert.equal(piped.code, 0);
  assert.ok(piped.output.length > 100);
  const refused = await run(t, "restore", file, "--data", data, "--force");
  assert.equal(refused.code, 1);
  assert.match(refused.errors, /A Midge is running on .*; stop it first/);
  assert.deepEqual(await queued(t, gateway), EXPECTED);
  await stop(gateway);

  const elsewhere = join(gateway.folder, "elsewhere", "data");
  const restored = await run(t, "restore", file, "--data", elsewhere);
  assert.deepEqual([restored.code, restored.errors], [0, ""]);
  assert.match(restored.output, /Restored \d+ records/);
  const again = await run(t, "restore", file, "--data", elsewhere);
  assert.equal(again.code, 1);
  assert.match(again.errors, /There is something in .* already; --force/);
  const forced = await run(t, "restore", file, "--data", elsewhere, "--force");
  assert.equal(forced.code, 0);
  assert.match(forced.output, /What was there before is in .*replaced-/);
  // In the place of what the first one had delivered meanwhile.
  assert.equal((await run(t, "restore", file, "--data", data, "--force")).code, 0);
  const second = await startMidge(t, { like: gateway });
  assert.deepEqual(await queued(t, second), EXPECTED);
  const sub = await mosquittoSub(t, second.mqttPort, "kept");
  await sub.until((text) => text.includes("kept retained"), "the retained message");
});

test("a stopped Midge is backed up as well; what is no backup is not restored", async (t) => {
  const gateway = await startMidge(t);
  await fill(t, gateway);
  gateway.signal("SIGKILL");
  await gateway.end();
  const data = join(gateway.folder, "data");
  const file = join(gateway.folder, "all.backup");
  const made = await run(t, "backup", file, "--data", data);
  assert.deepEqual([made.code, made.errors], [0, ""]);
  const bytes = readFileSync(file);
  for (const [what, content] of [
    ["cut", bytes.subarray(0, bytes.length >> 1)],
    ["other", Buffer.from("other")],
  ] as const) {
    const bad = join(gateway.folder, what);
    writeFileSync(bad, content);
    const { code, errors } = await run(t, "restore", bad, "--data", data, "--force");
    assert.equal(code, 1, what);
    assert.match(errors, /^Error: Unable to restore .*\n$/);
  }
  const nowhere = await run(t, "restore", join(gateway.folder, "none"), "--data", data);
  assert.match(nowhere.errors, /^Error: Unable to restore .*no such file/);
  const empty = await run(t, "backup", file, "--data", join(gateway.folder, "none"));
  assert.equal(empty.code, 1);
  assert.match(empty.errors, /There is no store in/);
  const second = await startMidge(t, { like: gateway });
  assert.deepEqual(await queued(t, second), EXPECTED, "nothing was touched");
});

test("midge store dump lists what a running, a stopped Midge and a backup hold, the same", async (t) => {
  const gateway = await startMidge(t);
  await fill(t, gateway);
  const data = join(gateway.folder, "data");
  const lines = async (...words: string[]): Promise<string[]> => {
    const { code, output, errors } = await run(t, "store", "dump", ...words);
    assert.deepEqual([code, errors], [0, ""]);
    return output.split("\n").filter((line) => line !== "" && !line.includes("wear"));
  };
  const running = await lines("--data", data);
  assert.ok(running.some((line) => /^session +keeper origin=mqtt/.test(line)));
  assert.ok(running.some((line) => /^subscription +keeper filter=q\/# qos=1$/.test(line)));
  assert.ok(
    running.some((line) =>
      /^queued +keeper q\/7 sequence=\d+ qos=1 payload="message 7"/.test(line),
    ),
  );
  assert.ok(running.some((line) => /^retained +kept qos=1 payload=retained/.test(line)));
  const file = join(gateway.folder, "all.backup");
  await run(t, "backup", file, "--data", data);
  assert.deepEqual(await lines("--from", file), running);
  gateway.signal("SIGKILL");
  await gateway.end();
  assert.deepEqual(await lines("--data", data), running);
  const json = await lines("--data", data, "--json");
  const first = JSON.parse(json.find((line) => line.includes('"queued"')) ?? "");
  assert.deepEqual(
    [first.kind, first.clientId, first.topic, first.payload],
    ["queued", "keeper", "q/0", "message 0"],
  );
});

test("midge store check: 0 for a whole store, 2 for a damaged one, 1 where it cannot be checked", async (t) => {
  const gateway = await startMidge(t);
  await fill(t, gateway);
  const data = join(gateway.folder, "data");
  const check = () => run(t, "store", "check", "--data", data);
  const running = await check();
  assert.equal(running.code, 1);
  assert.match(running.errors, /A Midge is running on/);
  gateway.signal("SIGKILL");
  await gateway.end();
  const whole = await check();
  assert.deepEqual([whole.code, whole.errors], [0, ""]);
  assert.match(whole.output, /\d+ records, \d+ documents: all is whole\n$/);
  const store = join(data, "store");
  const before = readdirSync(store).map((name) => readFileSync(join(store, name)).length);
  const log = readdirSync(store).find((name) => name.endsWith(".log")) ?? "";
  const bytes = readFileSync(join(store, log));
  bytes[50] = (bytes[50] as number) ^ 1;
  writeFileSync(join(store, log), bytes);
  const damaged = await check();
  assert.equal(damaged.code, 2);
  assert.match(damaged.output, new RegExp(`${log}: damaged at byte`));
  const after = readdirSync(store).map((name) => readFileSync(join(store, name)).length);
  assert.deepEqual(after, before, "nothing is changed");
  const missing = await run(t, "store", "check", "--data", join(data, "none"));
  assert.equal(missing.code, 1);
});

test("midge store check: what a long queue leaves for a while when its session ends is no problem", async (t) => {
  const gateway = await startMidge(t);
  await fill(t, gateway);
  gateway.signal("SIGKILL");
  await gateway.end();
  const data = join(gateway.folder, "data");
  const level = new ClassicLevel<string, Uint8Array>(join(data, "store"), {
    valueEncoding: "view",
  });
  const [queued] = await level.iterator({ gte: "q/", lt: "q0" }).all();
  const [key, value] = queued as [string, Uint8Array];
  await level.put(key.replace(/^q\/[^\0]*/, "q/gone"), value);
  await level.close();
  const checked = await run(t, "store", "check", "--data", data);
  assert.equal(checked.code, 0, checked.output);
  assert.match(checked.output, /^1 message queued for sessions that have ended/m);
});

test("a Midge with a damaged store starts, says what it lost, and where the rest is", async (t) => {
  let gateway = await startMidge(t);
  await fill(t, gateway);
  gateway.signal("SIGKILL");
  await gateway.end();
  const store = join(gateway.folder, "data", "store");
  writeFileSync(join(store, "CURRENT"), new Uint8Array(16));
  gateway = await startMidge(t, { like: gateway });
  assert.match(gateway.output, /store: .* is damaged:/);
  assert.match(gateway.output, /recovered \d+ records; the damaged files are in .*damaged-/);
  assert.deepEqual(await queued(t, gateway), EXPECTED);
  const aside = readdirSync(join(gateway.folder, "data")).find((one) => one.startsWith("damaged-"));
  assert.equal(await sys(t, gateway, "damaged"), aside);
});

test("a Midge in a folder of a long name can be backed up, too", async (t) => {
  const gateway = await startMidge(t);
  await fill(t, gateway);
  await stop(gateway);
  const long = join(temporaryFolder(t), "x".repeat(100));
  mkdirSync(long);
  const data = join(gateway.folder, "data");
  rmSync(join(data, "midge.sock"), { force: true });
  const { renameSync } = await import("node:fs");
  renameSync(data, join(long, "data"));
  symlinkSync(join(long, "data"), data);
  writeFileSync(
    join(gateway.folder, "midge.toml"),
    readFileSync(join(gateway.folder, "midge.toml"), "utf8").replace(data, join(long, "data")),
  );
  const again = await startMidge(t, { like: gateway });
  const real = await run(t, "backup", join(gateway.folder, "b"), "--data", join(long, "data"));
  assert.deepEqual([real.code, real.errors], [0, ""]);
  await stop(again);
});

test("a disk that is full: keeping is refused, all else goes on, and it recovers by itself", {
  skip: NO_SMALL_DISK,
}, async (t) => {
  const disk = new SmallDisk(t, 8_000_000);
  let gateway = await startMidge(t);
  await stop(gateway);
  rmSync(join(gateway.folder, "data"), { recursive: true });
  symlinkSync(disk.path, join(gateway.folder, "data"));
  gateway = await startMidge(t, {
    like: gateway,
    more: "reserve = 1000000\n[broker]\nsys_interval = 1",
  });
  await fill(t, gateway);
  disk.fill(500_000);
  await gateway.until((text) => text.includes("less than store.reserve"), "the reserve");
  const publisher = await connect(gateway);
  t.after(() => publisher.end(true));
  await assert.rejects(publisher.publishAsync("q/x", "no", { qos: 1 }), /Quota exceeded/);
  const old = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`, {
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  const closed = new Promise<void>((resolve) => old.on("close", resolve));
  old.publish("q/x", "no", { qos: 1 });
  await closed;
  old.end(true);
  assert.deepEqual(await publishAsNode(t, gateway), [7, 0x0d, 0x61, 0x62, 0, 9, CONGESTION]);
  // To those who are here, and to those who come for what was kept for them.
  const sub = await mosquittoSub(t, gateway.mqttPort, "live");
  await publisher.publishAsync("live", "1", { qos: 1 });
  await sub.until((text) => text.includes("live 1"), "the live message");
  assert.deepEqual(await queued(t, gateway), EXPECTED);
  assert.equal(await sys(t, gateway, "state"), "low");
  disk.empty();
  await gateway.until((text) => text.includes("there is room on the disk again"), "room");
  await publisher.publishAsync("q/x", "yes", { qos: 1 });
  assert.deepEqual(await queued(t, gateway), ["q/x yes"]);
});

test("a disk without a byte left, or that takes nothing, does not keep Midge from starting", {
  skip: NO_SMALL_DISK,
}, async (t) => {
  for (const harm of ["full", "read-only"] as const) {
    const disk = new SmallDisk(t, 8_000_000);
    let gateway = await startMidge(t);
    await stop(gateway);
    rmSync(join(gateway.folder, "data"), { recursive: true });
    symlinkSync(disk.path, join(gateway.folder, "data"));
    const more = "reserve = 0\n[broker]\nsys_interval = 1";
    gateway = await startMidge(t, { like: gateway, more });
    await fill(t, gateway);
    gateway.signal("SIGKILL");
    await gateway.end();
    if (harm === "full") disk.fill();
    else disk.setReadOnly(true);
    gateway = await startMidge(t, { like: gateway, more });
    assert.match(gateway.output, /store: cannot use .*(No space left|Read-only)/i, harm);
    const publisher = await connect(gateway);
    t.after(() => publisher.end(true));
    await assert.rejects(publisher.publishAsync("q/x", "no", { qos: 1 }), /Quota exceeded/);
    assert.deepEqual(await queued(t, gateway), EXPECTED, harm);
    assert.equal(await sys(t, gateway, "state"), "failing");
    if (harm === "full") disk.empty();
    else disk.setReadOnly(false);
    await gateway.until((text) => text.includes("can be used again"), "recovery");
    await publisher.publishAsync("q/x", "yes", { qos: 1 });
    await publisher.endAsync();
    gateway.signal("SIGKILL");
    await gateway.end();
    gateway = await startMidge(t, { like: gateway, more });
    assert.deepEqual(await queued(t, gateway), ["q/x yes"], harm);
    await stop(gateway);
  }
});
