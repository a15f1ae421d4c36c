/** A reading's whole way through real programs: node, Midge, local clients, a cloud broker, and back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { midge, mosquittoPub, mosquittoSub, startMidge, startMosquitto } from "../kit/processes.ts";

function bridgeTo(port: number): string {
  return `
[[bridge]]
name = "cloud"
client_id = "site-7"
address = "127.0.0.1:${port}"
restart_timeout = 1
restart_timeout_cap = 1
[[bridge.topic]]
pattern = "#"
direction = "out"
qos = 1
local_prefix = "garden/"
remote_prefix = "site-7/garden/"
[[bridge.topic]]
pattern = "#"
direction = "in"
qos = 1
local_prefix = "commands/"
remote_prefix = "site-7/commands/"
[[bridge.topic]]
pattern = "shared/#"
direction = "both"
qos = 1
`;
}

test("a node's reading reaches local clients and the cloud; a command from the cloud reaches a node", async (t) => {
  const cloud = await startMosquitto(t);
  const gateway = await startMidge(t, { more: bridgeTo(cloud.port) });
  await gateway.until((text) => /cloud: connected/.test(text), "the bridge's connection");
  const local = await mosquittoSub(t, gateway.mqttPort, "garden/#", "-q", "1");
  const remote = await mosquittoSub(t, cloud.port, "site-7/#", "-q", "1");

  const publishing = midge(
    t,
    "sn-pub",
    "-h",
    "127.0.0.1",
    "-p",
    String(gateway.udpPort),
    "-i",
    "soil",
    "-t",
    "garden/soil",
    "-m",
    "41",
    "-q",
    "1",
  );
  assert.equal(await publishing.end(), 0, publishing.errors);
  await local.until((text) => text.includes("garden/soil 41"), "the reading");
  await remote.until((text) => text.includes("site-7/garden/soil 41"), "the reading in the cloud");

  const node = midge(
    t,
    "sn-sub",
    "-h",
    "127.0.0.1",
    "-p",
    String(gateway.udpPort),
    "-i",
    "valve",
    "-t",
    "commands/valve",
    "-q",
    "1",
    "-v",
    "-d",
    "-C",
    "1",
    "-W",
    "15",
  );
  await node.until((text) => /suback/i.test(text), "the subscription");
  await mosquittoPub(t, cloud.port, "-t", "site-7/commands/valve", "-m", "open", "-q", "1");
  assert.equal(await node.end(), 0, node.errors);
  const messages = node.lines.filter((line) => line.startsWith("commands/"));
  assert.deepEqual(messages, ["commands/valve open"]);
});

test("topics shared both ways do not loop", async (t) => {
  const cloud = await startMosquitto(t);
  const gateway = await startMidge(t, { more: bridgeTo(cloud.port) });
  await gateway.until((text) => /cloud: connected/.test(text), "the bridge's connection");
  const local = await mosquittoSub(t, gateway.mqttPort, "shared/#", "-q", "1");
  const remote = await mosquittoSub(t, cloud.port, "shared/#", "-q", "1");
  await mosquittoPub(t, gateway.mqttPort, "-t", "shared/a", "-m", "from here", "-q", "1");
  await mosquittoPub(t, cloud.port, "-t", "shared/b", "-m", "from there", "-q", "1");
  await mosquittoPub(t, gateway.mqttPort, "-t", "shared/last", "-m", "1", "-q", "1");
  await mosquittoPub(t, cloud.port, "-t", "shared/last", "-m", "2", "-q", "1");
  for (const side of [local, remote]) {
    await side.until(
      (text) => text.includes("shared/last 1") && text.includes("shared/last 2"),
      "the last",
    );
    const messages = side.lines.filter((line) => line.startsWith("shared/"));
    assert.deepEqual(messages.sort(), [
      "shared/a from here",
      "shared/b from there",
      "shared/last 1",
      "shared/last 2",
    ]);
  }
});

test("while the cloud is away readings wait, over a SIGKILL too, and follow in order", async (t) => {
  const cloud = await startMosquitto(t);
  let gateway = await startMidge(t, { more: bridgeTo(cloud.port) });
  await gateway.until((text) => /cloud: connected/.test(text), "the bridge's connection");
  cloud.signal("SIGKILL");
  await cloud.end();
  await gateway.until((text) => (text.match(/cloud: /g) ?? []).length > 1, "the loss of the cloud");
  const numbers = Array.from({ length: 50 }, (_, n) => `${n}`);
  for (const half of [numbers.slice(0, 25), numbers.slice(25)]) {
    const publishing = midge(
      t,
      "sn-pub",
      "-h",
      "127.0.0.1",
      "-p",
      String(gateway.udpPort),
      "-i",
      "counter",
      "-t",
      "garden/count",
      "-q",
      "1",
      "-l",
    );
    publishing.input(`${half.join("\n")}\n`);
    assert.equal(await publishing.end(), 0, publishing.errors);
    gateway.signal("SIGKILL");
    await gateway.end();
    gateway = await startMidge(t, { more: bridgeTo(cloud.port), like: gateway });
  }
  // The cloud is back with nothing of what it knew, on the same port.
  const again = await startMosquitto(t, { port: cloud.port });
  const remote = await mosquittoSub(t, again.port, "site-7/#", "-q", "1");
  await remote.until((text) => text.includes("count 49"), "the last reading");
  const got = remote.lines
    .filter((line) => line.startsWith("site-7/"))
    .map((line) => line.split(" ")[1]);
  // Sent again at most: in order, none missing.
  assert.deepEqual([...new Set(got)], numbers);
});
