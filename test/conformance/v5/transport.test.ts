/** MQTT 5.0 chapters 4.2 and 6: MQTT over TCP and over WebSocket, on the real program. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { WebSocket } from "ws";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import { startMidge } from "../../kit/processes.ts";
import { field, frame, joined, rawConnect } from "../../kit/raw-packets.ts";

const CONNECT = rawConnect({ level: 5 });
const PING = frame(0xc0);
const PUBLISH = frame(0x32, field("t"), "0009 00", "78");

/** The kinds of the first `count` packets that come in by `listen`. */
function kinds(count: number, listen: (take: (chunk: Buffer) => void) => void): Promise<string[]> {
  const stream = new PacketStream({ maximumPacketSize: 100_000, role: "client", level: 5 });
  const seen: string[] = [];
  return new Promise((resolve, reject) => {
    listen((chunk) => {
      const fault = stream.feed(new Uint8Array(chunk), ({ kind }) => seen.push(kind));
      if (fault !== undefined) reject(new Error(fault.detail));
      if (seen.length >= count) resolve(seen);
    });
  });
}

async function webSocket(
  t: TestContext,
  port: number,
  protocols: readonly string[] = ["mqtt"],
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, [...protocols]);
  t.after(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

test("[MQTT-4.2.0-1] the server serves over TCP, whatever pieces the stream comes in", async (t) => {
  const { mqttPort } = await startMidge(t);
  const socket = connect(mqttPort, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.setNoDelay(true);
  await once(socket, "connect");
  const answers = kinds(4, (take) => socket.on("data", take));
  const bytes = joined(CONNECT, PING, PUBLISH, PING);
  for (let at = 0; at < bytes.length; at += 3) {
    socket.write(bytes.subarray(at, at + 3));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await answers, ["connack", "pingresp", "puback", "pingresp"]);
});

test("[MQTT-6.0.0-1] packets leave in binary frames; a frame of another kind closes the connection", async (t) => {
  const { httpPort } = await startMidge(t);
  const socket = await webSocket(t, httpPort);
  socket.send(CONNECT);
  const [, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
  assert.equal(isBinary, true);
  socket.send("c000");
  const [code] = (await once(socket, "close")) as [number];
  assert.equal(code, 1003);
});

test("[MQTT-6.0.0-2] a packet over several frames and several packets in a frame are understood", async (t) => {
  const { httpPort } = await startMidge(t);
  const socket = await webSocket(t, httpPort);
  const answers = kinds(5, (take) => socket.on("message", take));
  for (const byte of CONNECT) socket.send(new Uint8Array([byte]));
  socket.send(joined(PUBLISH, PING, PING.subarray(0, 1)));
  socket.send(joined(PING.subarray(1), PUBLISH.subarray(0, 5)));
  socket.send(PUBLISH.subarray(5));
  assert.deepEqual(await answers, ["connack", "puback", "pingresp", "pingresp", "puback"]);
});

test("[MQTT-6.0.0-3] a client that does not offer the subprotocol mqtt is refused", async (t) => {
  const { httpPort } = await startMidge(t);
  for (const protocols of [[], ["chat"]]) {
    const socket = new WebSocket(`ws://127.0.0.1:${httpPort}/mqtt`, protocols);
    socket.on("error", () => {});
    const [, response] = (await once(socket, "unexpected-response")) as [
      unknown,
      { statusCode: number },
    ];
    assert.equal(response.statusCode, 400);
  }
});

test("[MQTT-6.0.0-4] the subprotocol that the server selects is mqtt", async (t) => {
  const { httpPort } = await startMidge(t);
  assert.equal((await webSocket(t, httpPort, ["chat", "mqtt"])).protocol, "mqtt");
});
