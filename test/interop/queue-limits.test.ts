/** Limits of queues, by the file and over SIGHUP and SIGKILL, as Mosquitto's programs meet them. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../kit/ports.ts";
import {
  mosquittoPub,
  mosquittoSub,
  type Program,
  type RunningMidge,
  runToEnd,
  startMidge,
  startMosquitto,
  temporaryFolder,
} from "../kit/processes.ts";

const words = (port: number, ...more: string[]) => ["-h", "127.0.0.1", "-p", String(port), ...more];
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `${from + index}`);

/** Subscribes to "t" with a session that stays, and goes. */
async function leave(t: TestContext, port: number): Promise<void> {
  const rest = ["-c", "-i", "away", "-q", "1", "-t", "t", "-E"];
  const { code, errors } = await runToEnd(t, "mosquitto_sub", words(port, ...rest));
  assert.equal(code, 0, errors);
}

/** So many of the messages that wait for it. */
async function fetch(t: TestContext, port: number, count: number): Promise<string[]> {
  const rest = ["-c", "-i", "away", "-q", "1", "-t", "t", "-C", String(count), "-W", "15"];
  const { code, output, errors } = await runToEnd(t, "mosquitto_sub", words(port, ...rest));
  assert.equal(code, 0, errors);
  return output.trim().split("\n");
}

function publish(t: TestContext, port: number, payload: string, version = "5") {
  const rest = ["-V", version, "-q", "1", "-t", "t", "-m", payload];
  return runToEnd(t, "mosquitto_pub", words(port, ...rest));
}

/** Waits until a topic under `$SYS/broker/queue/` says so. */
async function until(t: TestContext, port: number, topic: string, value: RegExp): Promise<void> {
  const reader = await mosquittoSub(t, port, `$SYS/broker/queue/${topic}`);
  await reader.until((text) => value.test(text), `${topic} ${value}`);
}

test("refuse: mosquitto_pub is told 0x97, nothing waits twice, and SIGHUP changes the policy", async (t) => {
  const more = '[broker]\nmax_queued_messages = 2\nsys_interval = 1\nqueue_policy = "refuse"\n';
  const midge = await startMidge(t, { more });
  const { mqttPort: port } = midge;
  await leave(t, port);
  for (const payload of ["1", "2"]) assert.equal((await publish(t, port, payload)).code, 0);
  const refused = await publish(t, port, "3");
  assert.match(refused.output + refused.errors, /Quota exceeded/);
  const older = await publish(t, port, "3", "311");
  assert.notEqual(older.code, 0, "it was not acknowledged");
  await midge.until(
    (text) => text.includes("as no more messages may wait for client away"),
    "line",
  );
  setPolicy(midge, "refuse", "drop-oldest");
  midge.signal("SIGHUP");
  await midge.until((text) => text.includes("broker.queue_policy"), "reload");
  await mosquittoPub(t, port, "-q", "1", "-t", "t", "-m", "4");
  assert.deepEqual(await fetch(t, port, 2), ["2", "4"]);
  await until(t, port, "refused", /queue\/refused [2-9]/);
  await until(t, port, "dropped/full", /dropped\/full 1$/m);
});

function setPolicy({ folder }: RunningMidge, before: string, after: string): void {
  const file = join(folder, "midge.toml");
  writeFileSync(file, readFileSync(file, "utf8").replace(`"${before}"`, `"${after}"`));
}

test("max_queued_age: what is too old after SIGKILL and a while without Midge is not delivered", async (t) => {
  const settings = {
    more: "[broker]\nmax_queued_age = 3\nmax_queued_messages = 0\nsys_interval = 1\n",
  };
  const midge = await startMidge(t, settings);
  const { mqttPort: port } = midge;
  await leave(t, port);
  const old = numbers(0, 1000);
  await publishAll(t, port, old);
  midge.signal("SIGKILL");
  await midge.ended;
  await sleep(4500);
  await startMidge(t, { ...settings, like: midge });
  await mosquittoPub(t, port, "-q", "1", "-t", "t", "-m", "young");
  assert.deepEqual(await fetch(t, port, 1), ["young"]);
  await until(t, port, "dropped/age", /dropped\/age 1000$/m);
});

/** Publishes a line each; ends when all are acknowledged. */
async function publishAll(
  t: TestContext,
  port: number,
  payloads: readonly string[],
): Promise<void> {
  const input = `${payloads.join("\n")}\n`;
  const { code, errors } = await runToEnd(
    t,
    "mosquitto_pub",
    words(port, "-q", "1", "-t", "t", "-l"),
    input,
  );
  assert.equal(code, 0, errors);
}

test("drop-oldest: a cloud that was away gets the newest, in order, over SIGKILL of Midge, too", async (t) => {
  const cloudPort = await freePort();
  const folder = temporaryFolder(t);
  const more = [
    "persistence true",
    `persistence_location ${folder}/`,
    "max_queued_messages 0",
    "user root",
  ].join("\n");
  const first = await startMosquitto(t, { port: cloudPort, more });
  await leave(t, cloudPort);
  await end(first);
  const settings = {
    more: `[[bridge]]
name = "cloud"
address = "127.0.0.1:${cloudPort}"
restart_timeout = 1
restart_timeout_cap = 1
max_queued_messages = 600
queue_policy = "drop-oldest"
[[bridge.topic]]
pattern = "t"
direction = "out"
qos = 1
[broker]
sys_interval = 1
`,
  };
  const midge = await startMidge(t, settings);
  await publishAll(t, midge.mqttPort, numbers(0, 2000));
  const dropped = await mosquittoSub(
    t,
    midge.mqttPort,
    "$SYS/broker/connection/+/queue/dropped/full",
  );
  await dropped.until((text) => text.includes("queue/dropped/full 1400"), "1400 dropped");
  midge.signal("SIGKILL");
  await midge.ended;
  const again = await startMidge(t, { ...settings, like: midge });
  await publishAll(t, again.mqttPort, numbers(2000, 2100));
  await startMosquitto(t, { port: cloudPort, more });
  assert.deepEqual(await fetch(t, cloudPort, 600), numbers(1500, 2100));
});

async function end(program: Program): Promise<void> {
  program.signal("SIGTERM");
  await program.ended;
}
