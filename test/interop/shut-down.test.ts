/** SIGTERM as clients see it: they are told before their connections close, whoever else does not listen. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import mqtt from "mqtt";
import { WebSocket } from "ws";
import type { Packet } from "../../src/mqtt/packets.ts";
import { TestCa } from "../kit/certificates.ts";
import { toHex } from "../kit/hex.ts";
import { freePort } from "../kit/ports.ts";
import {
  midge,
  mosquittoSub,
  type Program,
  startMidge,
  temporaryFolder,
} from "../kit/processes.ts";
import { expectBytes, rawClient, rawSocket } from "../kit/raw-mqtt.ts";
import { field, frame, rawConnect } from "../kit/raw-packets.ts";
import { dialRaw } from "../kit/raw-peer.ts";
import { connectPacket } from "../kit/test-broker.ts";

/** CONNECT of MQTT 5.0. */
const connect5 = (clientId: string) => rawConnect({ level: 5, payload: ["00", field(clientId)] });
/** DISCONNECT with reason code 0x8B, server shutting down. */
const SHUTTING_DOWN = "e0018b";

async function stop(program: Program): Promise<void> {
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
}

/** What comes over a socket until its end. */
async function restOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "close");
  return toHex(Buffer.concat(chunks));
}

/** A client that never reads, with more on its way than sockets hold. */
async function deafClient(t: TestContext, port: number): Promise<void> {
  const deaf = await rawClient(t, port, "deaf");
  deaf.write(frame(0x82, "0001", field("flood"), "00"));
  await expectBytes(deaf, "9003000100");
  deaf.pause();
  const flood = await rawClient(t, port, "flood");
  const message = frame(0x30, field("flood"), new Uint8Array(60_000));
  for (let count = 0; count < 200; count++) {
    if (!flood.write(message)) await once(flood, "drain");
  }
  flood.write(frame(0xc0));
  await expectBytes(flood, "d000");
}

test("clients of MQTT 5.0 are told that the server shuts down, older ones see the end", async (t) => {
  const gateway = await startMidge(t);
  const peer = await dialRaw(t, gateway.mqttPort);
  peer.send(connectPacket("new", { level: 5, properties: { requestProblemInformation: 1 } }));
  assert.equal((await peer.next())?.kind, "connack");
  const old = await rawClient(t, gateway.mqttPort, "old");
  const end = restOf(old);
  const sub = await mosquittoSub(t, gateway.mqttPort, "a", "-V", "5");
  await stop(gateway);
  const properties = { reasonString: "The server is shutting down." };
  assert.deepEqual(await peer.next(), { kind: "disconnect", reasonCode: 0x8b, properties });
  assert.equal(await end, "");
  assert.match(gateway.output, /Midge has stopped\./);
  await sub.until((text) => /Received DISCONNECT \(139\)/.test(text), "the reason code");
});

test("clients are told by every kind of listener", async (t) => {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const { cert, key } = ca.issue("server");
  const [tls, secureWebSocket] = [await freePort(), await freePort()];
  const unix = join(folder, "socket");
  const file = join(folder, "mosquitto.conf");
  const certificate = `certfile ${cert}\nkeyfile ${key}\n`;
  const listeners = [
    `listener ${tls} 127.0.0.1\n${certificate}`,
    `listener ${secureWebSocket} 127.0.0.1\nprotocol websockets\n${certificate}`,
    `listener 0 ${unix}\n`,
  ];
  writeFileSync(file, `allow_anonymous true\n${listeners.join("")}`);
  const program = midge(t, "-c", file);
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  const trust = { ca: readFileSync(ca.cert) };
  const urls = [`mqtts://127.0.0.1:${tls}`, `wss://127.0.0.1:${secureWebSocket}`];
  const goodbyes: Promise<number | undefined>[] = [];
  for (const url of urls) {
    const options = { ...trust, wsOptions: trust, protocolVersion: 5, reconnectPeriod: 0 } as const;
    const client = await mqtt.connectAsync(url, options);
    const goodbye = new Promise<number | undefined>((resolve) => {
      client.on("disconnect", ({ reasonCode }) => resolve(reasonCode));
      client.on("close", () => resolve(undefined));
    });
    goodbyes.push(goodbye);
  }
  const local = connect(unix);
  t.after(() => local.destroy());
  local.write(connect5("local"));
  await once(local, "data");
  const end = restOf(local);
  await stop(program);
  assert.deepEqual(await Promise.all(goodbyes), [0x8b, 0x8b]);
  assert.equal(await end, SHUTTING_DOWN);
});

test("clients that come by the web server are told, too, before the WebSocket closes as such", async (t) => {
  const gateway = await startMidge(t);
  const client = new WebSocket(`ws://127.0.0.1:${gateway.httpPort}/mqtt`, ["mqtt"]);
  t.after(() => client.terminate());
  await once(client, "open");
  client.send(connect5("page"));
  await once(client, "message");
  const goodbye = once(client, "message");
  const closed = once(client, "close");
  await stop(gateway);
  const [data] = (await goodbye) as [Buffer];
  assert.equal(toHex(data), SHUTTING_DOWN);
  assert.equal((await closed)[0], 1001);
});

test("one that publishes without a pause is told all the same", async (t) => {
  const gateway = await startMidge(t);
  const client = await rawSocket(t, gateway.mqttPort);
  client.write(connect5("busy"));
  await once(client, "data");
  const end = restOf(client);
  const message = frame(0x30, field("t"), "00", new Uint8Array(1000));
  const timer = setInterval(() => {
    for (let count = 0; count < 50 && client.writable; count++) client.write(message);
  }, 1);
  t.after(() => clearInterval(timer));
  await stop(gateway);
  assert.equal(await end, SHUTTING_DOWN);
});

test("peers that do not read hold nobody up", async (t) => {
  const gateway = await startMidge(t);
  await deafClient(t, gateway.mqttPort);
  const page = connect(gateway.httpPort, "127.0.0.1");
  t.after(() => page.destroy());
  page.on("error", () => {});
  page.write(
    "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
      "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
  );
  await once(page, "data");
  page.pause();
  const client = await rawSocket(t, gateway.mqttPort);
  client.write(connect5("listens"));
  await once(client, "data");
  const end = restOf(client);
  await stop(gateway);
  assert.equal(await end, SHUTTING_DOWN);
});

test("thousands of clients are all told", async (t) => {
  const gateway = await startMidge(t, { more: "[log]\nconnection_messages = false" });
  const clients: Socket[] = [];
  for (let count = 0; count < 2000; count++) {
    const client = await rawSocket(t, gateway.mqttPort);
    client.write(connect5(`client-${count}`));
    clients.push(client);
    if (count % 100 === 99) await Promise.all(clients.slice(-100).map((one) => once(one, "data")));
  }
  const ends = clients.map(restOf);
  await stop(gateway);
  const seen = new Map<string, number>();
  for (const end of await Promise.all(ends)) seen.set(end, (seen.get(end) ?? 0) + 1);
  assert.deepEqual([...seen], [[SHUTTING_DOWN, 2000]]);
});

test("a listener that is full sends clients to another server where there is one, and closes else", async (t) => {
  for (const reference of ["", "other.example.org:1883"]) {
    const port = await freePort();
    const more = `[[listener]]
port = ${port}
max_connections = 1
[broker]
server_reference = "${reference}"`;
    await startMidge(t, { more });
    const answerTo = async (clientId: string): Promise<Packet | undefined> => {
      const peer = await dialRaw(t, port);
      peer.send(connectPacket(clientId, { level: 5 }));
      return peer.next();
    };
    const first = await answerTo("one");
    assert.equal(first?.kind === "connack" && first.returnCode, 0);
    const second = reference === "" ? undefined : refusedFor(reference);
    assert.deepEqual(await answerTo("two"), second);
    assert.deepEqual(await answerTo("three"), second);
  }
});

function refusedFor(serverReference: string): Packet {
  return {
    kind: "connack",
    sessionPresent: false,
    returnCode: 0x9c,
    properties: { serverReference },
  };
}
