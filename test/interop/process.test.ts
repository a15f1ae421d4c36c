/** Midge as a process: start, signals, exit codes, ports in use, rubbish, and power cuts. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import mqtt from "mqtt";
import { freePort } from "../kit/ports.ts";
import {
  midge,
  mosquittoPub,
  mosquittoSub,
  runToEnd,
  startMidge,
  temporaryFolder,
} from "../kit/processes.ts";

test("--version and --help answer, an unknown command names the known ones", async (t) => {
  const version = midge(t, "--version");
  assert.equal(await version.end(), 0);
  assert.match(version.output, /^midge version \d+\.\d+\.\d+\n$/);
  const help = midge(t, "--help");
  assert.equal(await help.end(), 0);
  for (const word of ["run", "check", "pub", "sub", "sn-pub", "sn-sub", "simulate"]) {
    assert.match(help.output, new RegExp(`^  ${word} `, "m"));
    const own = midge(t, word, "--help");
    assert.equal(await own.end(), 0);
    assert.match(own.output, new RegExp(`^Usage: midge ${word} `));
  }
  const unknown = midge(t, "fly");
  assert.equal(await unknown.end(), 1);
  assert.match(unknown.errors, /no command "fly"; the commands are run, check/);
});

test("SIGTERM and SIGINT end it with 0", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const gateway = await startMidge(t);
    await mosquittoSub(t, gateway.mqttPort, "#");
    gateway.signal(signal);
    assert.equal(await gateway.end(), 0);
    assert.match(gateway.output, /Midge has stopped\.\n$/);
  }
});

test("a wrong value names file, line and key, and exits 3 without a stack trace", async (t) => {
  const file = join(temporaryFolder(t), "bad.toml");
  writeFileSync(file, '# a comment\n[[listener]]\nport = "abc"\n\n[brokr]\n');
  const gateway = midge(t, "run", "-c", file);
  assert.equal(await gateway.end(), 3);
  assert.match(gateway.errors, new RegExp(`${file}:3: listener\\[0\\]\\.port: .*"abc"`));
  assert.match(gateway.errors, new RegExp(`${file}:5: brokr: .*broker`));
  assert.doesNotMatch(gateway.errors, /\bat .*:\d+:\d+/);
});

test("a port in use says which and by what setting it was chosen, and exits 1", async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const udp = createSocket("udp4");
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  t.after(() => udp.close());
  const folder = temporaryFolder(t);
  const cases = [
    [
      `[[listener]]\nport = ${port}\n[http]\nenabled = false\n[gateway]\nenabled = false\n`,
      `127.0.0.1:${port}`,
      "listener[0].port",
    ],
    [
      `[[listener]]\nport = ${await freePort()}\n[http]\nport = ${port}\n[gateway]\nenabled = false\n`,
      `127.0.0.1:${port}`,
      "[http] port",
    ],
    [
      `[[listener]]\nport = ${await freePort()}\n[http]\nenabled = false\n[[link]]\nport = ${udp.address().port}\n`,
      `127.0.0.1:${udp.address().port}`,
      "link[0].port",
    ],
  ] as const;
  for (const [text, where, setting] of cases) {
    const file = join(folder, "midge.toml");
    writeFileSync(file, `${text}[store]\nmode = "memory"\n`);
    const gateway = midge(t, "run", "-c", file);
    assert.equal(await gateway.end(), 1, gateway.output);
    assert.ok(gateway.output.includes(where) && gateway.output.includes(setting), gateway.output);
    assert.doesNotMatch(gateway.output + gateway.errors, /\bat .*:\d+:\d+/);
  }
});

test("a second Midge on the same data is refused in words", async (t) => {
  const first = await startMidge(t);
  const file = join(first.folder, "second.toml");
  const text = `[[listener]]\nport = ${await freePort()}\n[http]\nenabled = false\n[gateway]\nenabled = false\n`;
  writeFileSync(file, `${text}[store]\npath = ${JSON.stringify(join(first.folder, "data"))}\n`);
  const second = midge(t, "run", "-c", file);
  assert.equal(await second.end(), 1);
  assert.match(second.output, /is in use by another Midge \(set by store\.path\)/);
});

test("SIGHUP reads the configuration again; a wrong one leaves the old one in force", async (t) => {
  const gateway = await startMidge(t);
  const file = join(gateway.folder, "midge.toml");
  const { readFileSync } = await import("node:fs");
  const good = readFileSync(file, "utf8");
  writeFileSync(file, `${good}\n[broker]\nmax_inflight_messages = "many"\n`);
  gateway.signal("SIGHUP");
  await gateway.until((text) => text.includes("stays as it was"), "the refusal");
  assert.match(gateway.output, /midge\.toml:\d+: broker\.max_inflight_messages: /);
  writeFileSync(file, `${good}\n[broker]\nretain_available = false\n`);
  gateway.signal("SIGHUP");
  await gateway.until((text) => text.includes("Configuration changed: broker."), "the change");
  await mosquittoPub(t, gateway.mqttPort, "-t", "a", "-m", "x", "-r");
  await gateway.until((text) => text.includes("published a retained message"), "the refusal");
});

test("the words of Mosquitto's command line start it on a mosquitto.conf", async (t) => {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const file = join(folder, "mosquitto.conf");
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location ${folder}/\n`,
  );
  const tested = midge(t, "-c", file, "--test-config");
  assert.equal(await tested.end(), 0);
  const gateway = midge(t, "-c", file, "-v");
  await gateway.until((text) => text.includes("Midge is ready."), "readiness");
  const sub = await mosquittoSub(t, port, "t");
  await mosquittoPub(t, port, "-t", "t", "-m", "x");
  await sub.until((text) => text.includes("t x"), "the message");
  writeFileSync(file, `listener ${port}\nlistner 5\n`);
  const wrong = midge(t, "-c", file, "--test-config");
  assert.equal(await wrong.end(), 3);
  assert.match(wrong.errors, /mosquitto\.conf:2.*listner.*listener/);
});

test("rubbish on every port harms nobody", async (t) => {
  const gateway = await startMidge(t);
  const sub = await mosquittoSub(t, gateway.mqttPort, "after", "-q", "1");
  const udp = createSocket("udp4");
  t.after(() => udp.close());
  for (let round = 0; round < 40; round++) {
    for (const port of [gateway.mqttPort, gateway.httpPort]) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      // Half of it begins as it should.
      const start =
        port === gateway.mqttPort ? Buffer.from([0x10]) : Buffer.from("GET / HTTP/1.1\r\n");
      const rubbish = Buffer.concat([round % 2 === 0 ? start : Buffer.alloc(0), randomBytes(500)]);
      await new Promise((resolve) => socket.write(rubbish, resolve));
      socket.destroy();
    }
    udp.send(randomBytes(1 + round * 3), gateway.udpPort, "127.0.0.1");
  }
  await mosquittoPub(t, gateway.mqttPort, "-t", "after", "-m", "alive", "-q", "1");
  await sub.until((text) => text.includes("after alive"), "the message");
});

test("what was acknowledged survives a SIGKILL: retained messages, sessions and their queues", async (t) => {
  let gateway = await startMidge(t);
  const subscribe = ["-i", "keeper", "-c", "-q", "1", "-t", "q/#"];
  const first = await mosquittoSub(t, gateway.mqttPort, "q/#", "-i", "keeper", "-c", "-q", "1");
  first.signal("SIGKILL");
  await first.end();
  await gateway.until(
    (text) => text.includes("keeper closed its connection"),
    "the end of the client",
  );
  for (let n = 0; n < 5; n++) {
    await mosquittoPub(t, gateway.mqttPort, "-t", `q/${n}`, "-m", `${n}`, "-q", "1", "-r");
  }
  gateway.signal("SIGKILL");
  await gateway.end();
  gateway = await startMidge(t, { like: gateway });
  const words = ["-h", "127.0.0.1", "-p", String(gateway.mqttPort), "-v", "-W", "20"];
  const back = await runToEnd(t, "mosquitto_sub", [...words, ...subscribe, "-C", "5"]);
  assert.deepEqual(back.output.trim().split("\n").sort(), [
    "q/0 0",
    "q/1 1",
    "q/2 2",
    "q/3 3",
    "q/4 4",
  ]);
  const retained = await runToEnd(t, "mosquitto_sub", [...words, "-t", "q/3", "-C", "1"]);
  assert.equal(retained.output, "q/3 3\n");
});

test("mqtt.js publishes and receives at every QoS over TCP and WebSocket", async (t) => {
  const gateway = await startMidge(t);
  const urls = [`mqtt://127.0.0.1:${gateway.mqttPort}`, `ws://127.0.0.1:${gateway.httpPort}/mqtt`];
  for (const url of urls) {
    const client = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
    t.after(() => client.end(true));
    await client.subscribeAsync("js/#", { qos: 2 });
    const got: string[] = [];
    const all = new Promise<void>((resolve) => {
      client.on("message", (topic, payload, packet) => {
        got.push(`${topic}=${payload} q${packet.qos}`);
        if (got.length === 3) resolve();
      });
    });
    for (const qos of [0, 1, 2] as const)
      await client.publishAsync(`js/${qos}`, "x".repeat(qos), { qos });
    await all;
    assert.deepEqual(got.sort(), ["js/0= q0", "js/1=x q1", "js/2=xx q2"]);
    await client.endAsync();
  }
});

test("a large message goes through whole, one over the limit closes that connection only", async (t) => {
  const gateway = await startMidge(t, { more: "[broker]\nmax_packet_size = 300000\n" });
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`, {
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  t.after(() => client.end(true));
  await client.subscribeAsync("big", { qos: 1 });
  const payload = randomBytes(250_000);
  const arrived = new Promise<Buffer>((resolve) =>
    client.on("message", (_topic, message) => resolve(message)),
  );
  await client.publishAsync("big", payload, { qos: 1 });
  assert.equal(Buffer.compare(await arrived, payload), 0);
  const other = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`, {
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  other.on("error", () => {});
  const closed = new Promise<void>((resolve) => other.on("close", () => resolve()));
  other.publish("big", randomBytes(400_000), { qos: 0 });
  await closed;
  assert.equal(client.connected, true);
});
