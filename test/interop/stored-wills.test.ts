/** Wills over the death of a real Midge: what Mosquitto's clients have left comes late, and once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  MIDGE,
  mosquittoPub,
  mosquittoSub,
  type Program,
  type RunningMidge,
  runToEnd,
  startMidge,
} from "../kit/processes.ts";

/** Seconds; half as long again is how long a client may take to come back. */
const KEEP_ALIVE = 6;

/** Of a client that is there again after a restart, and gets what it has missed. */
const WATCHER = ["-i", "watcher", "-c", "-q", "1"];

/** A client with a kept session, and a will under its name. */
function client(
  t: TestContext,
  { mqttPort }: RunningMidge,
  name: string,
  ...words: string[]
): Promise<Program> {
  const session = ["-i", name, "-c", "-k", String(KEEP_ALIVE)];
  const will = ["--will-topic", `wills/${name}`, "--will-payload", "gone", "--will-qos", "1"];
  return mosquittoSub(t, mqttPort, "none", ...session, ...will, ...words);
}

async function kill(program: Program): Promise<void> {
  program.signal("SIGKILL");
  await program.end();
}

async function store(t: TestContext, ...words: string[]): Promise<string> {
  const { code, output, errors } = await runToEnd(t, process.execPath, [MIDGE, ...words]);
  assert.deepEqual([code, errors], [0, ""]);
  return output;
}

/** Waits for the message that is published now, and answers those of wills that came before. */
async function told(t: TestContext, gateway: RunningMidge, watcher: Program): Promise<string[]> {
  await mosquittoPub(t, gateway.mqttPort, "-t", "wills/end", "-m", "now", "-q", "1");
  await watcher.until((text) => text.includes("wills/end now"), "the last message");
  return watcher.lines.filter((line) => line.startsWith("wills/") && line.endsWith(" gone")).sort();
}

test("after a SIGKILL the wills of those who stay away come once, of 3.1.1 and 5.0, and of nobody else", async (t) => {
  let gateway = await startMidge(t);
  const watcher = await mosquittoSub(t, gateway.mqttPort, "wills/#", ...WATCHER);
  const gone = await client(t, gateway, "old");
  const gone5 = await client(t, gateway, "new", "-V", "5", "-x", "3600");
  await client(t, gateway, "back");
  const clean = await client(t, gateway, "clean");
  const delay = ["-D", "will", "will-delay-interval", "5"];
  const delayed = await client(t, gateway, "delayed", "-V", "5", "-x", "3600", ...delay);
  await kill(delayed);
  clean.signal("SIGTERM");
  await clean.end();
  await gateway.until((text) => /Client delayed closed/.test(text), "the end of one");
  await gateway.until((text) => /Client clean disconnected/.test(text), "the end of another");
  gateway.signal("SIGUSR1");
  await gateway.until((text) => text.includes("Everything is saved."), "the end of saving");
  const data = join(gateway.folder, "data");
  const records = await store(t, "store", "dump", "--data", data);
  assert.match(records, /^will +old wills\/old qos=1 payload=gone delay=0 keepAlive=6/m);
  assert.match(records, /^will +delayed wills\/delayed .* delay=5 keepAlive=6 due=20/m);
  assert.doesNotMatch(records, /^will +clean/m);

  for (const program of [gateway, gone, gone5]) await kill(program);
  assert.match(await store(t, "store", "check", "--data", data), /all is whole/);
  gateway = await startMidge(t, { like: gateway });
  await gateway.until((text) => /New client connected .* as back /.test(text), "one who is back");
  for (const name of ["delayed", "old", "new"]) {
    await gateway.until(
      (text) => text.includes(`Publishing the will of ${name} ('wills/${name}')`),
      `the will of ${name}`,
    );
  }
  const all = ["wills/delayed gone", "wills/new gone", "wills/old gone"];
  assert.deepEqual(await told(t, gateway, watcher), all);
  // What has been published is not published again.
  gateway.signal("SIGTERM");
  assert.equal(await gateway.end(), 0);
  gateway = await startMidge(t, { like: gateway });
  assert.doesNotMatch(await store(t, "store", "dump", "--data", data), /^will +(old|new|delayed)/m);
});

test("a delay outlives SIGTERM, and who comes back before it is over stops the will", async (t) => {
  let gateway = await startMidge(t);
  const watcher = await mosquittoSub(t, gateway.mqttPort, "wills/#", ...WATCHER);
  const terms = ["-V", "5", "-x", "3600", "-D", "will", "will-delay-interval", "4"];
  const gone = await client(t, gateway, "gone", ...terms);
  await client(t, gateway, "back", ...terms);
  await kill(gone);
  gateway.signal("SIGTERM");
  assert.equal(await gateway.end(), 0);
  gateway = await startMidge(t, { like: gateway });
  await client(t, gateway, "back", ...terms);
  await gateway.until((text) => text.includes("Publishing the will of gone"), "the will");
  assert.deepEqual(await told(t, gateway, watcher), ["wills/gone gone"]);
});
