/** `midge simulate` as a process, against a small gateway on a real socket. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { FakeSnGateway } from "../kit/fake-sn-gateway.ts";
import { freeUdpPort } from "../kit/ports.ts";
import { Program, temporaryFolder } from "../kit/processes.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

function simulate(t: TestContext, port: number, ...words: string[]): Program {
  const where = ["-h", "127.0.0.1", "-p", String(port)];
  return new Program(t, process.execPath, [MAIN, "simulate", ...where, ...words]);
}

it("the demo shows all its values, asleep and awake, and ends in order", async (t) => {
  const gateway = await FakeSnGateway.start(t);
  const program = simulate(t, gateway.port, "--demo", "--seed", "1");
  const topics = [
    "weather/temperature",
    "weather/humidity",
    "weather/pressure",
    "door/state",
    "door/battery",
    "tank/level",
    "tank/valve",
  ];
  await gateway.until(
    () =>
      topics.every((topic) => gateway.published.some((line) => line.startsWith(`demo/${topic} `))),
    "a value on every topic",
  );
  assert.ok(gateway.all("publish").every(({ qos, retain }) => qos === 1 && retain));
  await gateway.until(
    () => gateway.all("disconnect").some(({ duration }) => duration === 20),
    "the door sensor going to sleep",
  );
  program.signal("SIGINT");
  assert.equal(await program.end(), 0, program.errors);
  const leaving = gateway.all("disconnect").filter(({ duration }) => duration === undefined);
  assert.equal(leaving.length, 3);
  assert.match(program.output, /with seed 1\.\n/);
  assert.match(
    program.output,
    /In \d+ s: \d+ published, \d+ received\.\nLost: nothing\.\nAck.*\n$/,
  );
});

it("the tank sets its valve as it is told, and tells so at once", async (t) => {
  const gateway = await FakeSnGateway.start(t);
  simulate(t, gateway.port, "--demo");
  await gateway.until(() => gateway.all("subscribe").length > 0, "SUBSCRIBE");
  await gateway.until(() => gateway.published.includes("demo/tank/valve closed"), "the valve");
  gateway.publish("demo/tank/valve/set", "open");
  await gateway.until(() => gateway.published.includes("demo/tank/valve open"), "the valve");
});

it("runs many nodes, each its own client, until the time is over", async (t) => {
  const gateway = await FakeSnGateway.start(t);
  const words = ["--nodes", "50", "--interval", "0.2", "-q", "1", "-t", "load/%n"];
  const program = simulate(t, gateway.port, ...words, "--duration", "3");
  assert.equal(await program.end(), 0, program.errors);
  assert.equal(new Set(gateway.all("connect").map(({ clientId }) => clientId)).size, 50);
  const topics = new Set(gateway.published.map((line) => line.split(" ")[0]));
  assert.equal(topics.size, 50);
  assert.ok(gateway.published.includes('load/50 {"count":1}'));
  assert.equal(gateway.all("disconnect").length, 50);
});

it("a node tells from sleep by connecting, and wakes for what was kept", async (t) => {
  const gateway = await FakeSnGateway.start(t);
  const file = join(temporaryFolder(t), "scenario.toml");
  writeFileSync(
    file,
    `[[node]]
client_id = "sleeper"
topic = "s"
payload = "level"
interval = 2.5
sleep = 1
clean_session = false
subscribe = ["set"]
`,
  );
  simulate(t, gateway.port, "--scenario", file);
  await gateway.until(() => gateway.all("disconnect").length > 0, "DISCONNECT");
  gateway.publish("set", "open");
  await gateway.until(() => gateway.all("pingreq").length > 0, "PINGREQ");
  assert.equal(gateway.all("pingreq")[0]?.clientId, "sleeper");
  await gateway.until(
    () => gateway.published.some((line) => line.includes('"valve":"open"')),
    "the valve, opened while asleep",
  );
  assert.ok(gateway.all("connect").every(({ cleanSession }) => !cleanSession));
  await gateway.until(() => gateway.all("disconnect").length > 1, "sleep again");
});

it("nodes come back to a gateway that forgot them", async (t) => {
  const gateway = await FakeSnGateway.start(t);
  simulate(t, gateway.port, "--nodes", "2", "--interval", "0.5");
  await gateway.until(() => gateway.published.length >= 2, "PUBLISH");
  gateway.disconnectAll();
  await gateway.until(() => gateway.all("connect").length === 4, "CONNECT again");
});

it("waits for a gateway that is not there yet, and says so", async (t) => {
  const port = await freeUdpPort();
  const program = simulate(t, port, "--nodes", "3", "--duration", "1");
  assert.equal(await program.end(), 1);
  assert.deepEqual(program.errors.trimEnd().split("\n"), [
    `Warning: Nothing listens at 127.0.0.1, UDP port ${port}; the nodes try on.`,
    `Error: no node could connect to 127.0.0.1, UDP port ${port}.`,
  ]);
});

it("tells what is wrong in a scenario by file, line and key, with exit code 3", async (t) => {
  const file = join(temporaryFolder(t), "scenario.toml");
  writeFileSync(file, '[[node]]\nclient_id = "a"\ntopic = "t"\npayload = "rain"\n');
  const program = simulate(t, 1884, "--scenario", file);
  assert.equal(await program.end(), 3);
  assert.match(program.errors, /^Error: .*scenario\.toml:4: node\[0\]\.payload: expected .*\n$/);
});

for (const [what, words] of [
  ["two scenarios", ["--demo", "--scenario", "x.toml"]],
  ["a scenario and --nodes", ["--demo", "--nodes", "3"]],
  ["no time between", ["--interval", "0"]],
  ["a wildcard", ["-t", "a/+"]],
] as const) {
  it(`tells ${what} in one line, with exit code 1`, async (t) => {
    const program = simulate(t, 1884, ...words);
    assert.equal(await program.end(), 1);
    assert.equal(program.errors.trimEnd().split("\n").length, 1, program.errors);
  });
}
