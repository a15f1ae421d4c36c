/** The sample arduino-udp-node, its sketch compiled for this machine, over UDP that loses datagrams. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { defines, make } from "../kit/firmware.ts";
import { freeUdpPort } from "../kit/ports.ts";
import { Program, startMidge } from "../kit/processes.ts";
import { SensorNode } from "../kit/sensor-node.ts";

/** The sketch, for a gateway at this port, in a world that loses so many datagrams of 100. */
async function startSketch(t: TestContext, port: number, loss: number): Promise<Program> {
  const values = { GATEWAY_HOST: "127.0.0.1", GATEWAY_PORT: port, NODE_RETRY: 200 };
  const sanitized = "CHECKS=-fsanitize=address,undefined";
  const out = await make("arduino-udp-node", defines(values), sanitized);
  return new Program(t, "env", [`LOSS=${loss}`, join(out, "arduino-udp-node")]);
}

/** A `[[link]]` that is quick to repeat. */
function quickLink(port: number): string {
  return `[[link]]\nport = ${port}\nretry_interval = 0.2\nretry_limit = 20\n`;
}

test("the UDP node publishes and receives at every QoS though 1 datagram of 5 is lost", async (t) => {
  const port = await freeUdpPort();
  const gateway = await startMidge(t, { more: quickLink(port) });
  const watched = await SensorNode.watch(t, gateway, "esp-1");
  const sketch = await startSketch(t, port, 20);
  await watched.until("status", "online");
  await watched.until("temperature", "22.3");

  const expected = { least: [] as string[], once: [] as string[] };
  for (let i = 1; i <= 6; i++) {
    await watched.order(1, `say 1 least-${i}`);
    await watched.order(2, `say 2 once-${i}`, `say 0 perhaps-${i}`, `say - silent-${i}`);
    expected.least.push(`least-${i}`);
    expected.once.push(`once-${i}`);
    await watched.until("reply", `once-${i}`);
  }
  await watched.order(2, "say 2 end");
  await watched.until("reply", "end");
  const came = watched.texts("reply");
  assert.deepEqual(
    came.filter((text) => text.startsWith("once")),
    expected.once,
  );
  const least = came.filter((text) => text.startsWith("least"));
  assert.deepEqual([...new Set(least)], expected.least);
  assert.ok(came.some((text) => text.startsWith("perhaps")));
  assert.ok(watched.texts("sn").some((text) => text.startsWith("silent")));

  sketch.input("");
  assert.equal(await sketch.end(), 0, sketch.errors);
  const lost = Number(/(\d+) datagrams lost/.exec(sketch.output)?.[1]);
  assert.ok(lost > 20, `${lost} datagrams lost`);
});

test("the UDP node sleeps, and comes back to a gateway that was restarted", async (t) => {
  const port = await freeUdpPort();
  const gateway = await startMidge(t, { more: quickLink(port) });
  const watched = await SensorNode.watch(t, gateway, "esp-1");
  const sketch = await startSketch(t, port, 0);
  await watched.until("status", "online");
  await watched.order(2, "led on", "sleep 1");
  await gateway.until((text) => text.includes('node "esp-1" asleep'), "sleep");
  await watched.order(1, "say 1 dreamt");
  await watched.until("reply", "dreamt");
  assert.match(sketch.output, /led 1/);

  await watched.order(1, "sleep 0");
  gateway.signal("SIGTERM");
  assert.equal(await gateway.end(), 0);
  const next = await startMidge(t, { more: quickLink(port), like: gateway });
  const again = await SensorNode.watch(t, next, "esp-1");
  await again.order(2, "say 2 restarted");
  await again.until("reply", "restarted");
});

test("the UDP node finds a gateway that it has not been told of", async (t) => {
  const port = await freeUdpPort();
  const group = `multicast_group = "225.1.1.1"\nmulticast_interface = "127.0.0.1"\n`;
  const gateway = await startMidge(t, { more: quickLink(port) + group });
  const watched = await SensorNode.watch(t, gateway, "esp-1");
  const out = await make("arduino-udp-node", defines({ GATEWAY_HOST: "", GATEWAY_PORT: port }));
  new Program(t, join(out, "arduino-udp-node"), []);
  await watched.until("temperature", "22.3");
});
