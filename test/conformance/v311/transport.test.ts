/** MQTT 3.1.1 chapters 6 and 7: MQTT over WebSocket and over TCP, on the real program. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { WebSocket } from "ws";
import { toHex } from "../../kit/hex.ts";
import { startMidge } from "../../kit/processes.ts";
import { field, frame, joined, rawConnect } from "../../kit/raw-packets.ts";

const CONNACK = "20020000";

/** Collects what comes until it is `expected`, in hexadecimal digits; rejects where it ends otherwise. */
async function answered(from: Socket | WebSocket, expected: string): Promise<void> {
  let got = "";
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      got += toHex(chunk);
      if (got === expected) resolve();
      else if (!expected.startsWith(got)) reject(new Error(`${got} came instead of ${expected}`));
    };
    if (from instanceof WebSocket) from.on("message", (data) => look(data as Buffer));
    else from.on("data", look);
    from.once("close", () => reject(new Error(`closed after ${got}, before ${expected}`)));
  });
  from.removeAllListeners("close");
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

const PING = frame(0xc0);
const PONG = "d000";

test("[MQTT-6.0.0-1] packets leave in binary frames; a frame of another kind closes the connection", async (t) => {
  const { httpPort } = await startMidge(t);
  const socket = await webSocket(t, httpPort);
  socket.send(rawConnect());
  const [data, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
  assert.equal(isBinary, true);
  assert.equal(toHex(data), CONNACK);
  socket.send("c000");
  const [code] = (await once(socket, "close")) as [number];
  assert.equal(code, 1003);
});

test("[MQTT-6.0.0-2] a packet over several frames and several packets in a frame are understood", async (t) => {
  const { httpPort } = await startMidge(t);
  const split = await webSocket(t, httpPort);
  for (const byte of rawConnect()) split.send(new Uint8Array([byte]));
  await answered(split, CONNACK);
  const full = await webSocket(t, httpPort);
  const publish = frame(0x32, field("t"), "0009", "78");
  full.send(joined(rawConnect({ payload: [field("full")] }), publish, PING, PING.subarray(0, 1)));
  full.send(joined(PING.subarray(1), PING, publish.subarray(0, 5)));
  full.send(publish.subarray(5));
  await answered(full, `${CONNACK}40020009${PONG}${PONG}${PONG}40020009`);
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
  for (const protocols of [["mqtt"], ["chat", "mqtt"]]) {
    assert.equal((await webSocket(t, httpPort, protocols)).protocol, "mqtt");
  }
});

test("[MQTT-7.1.1-1] the server serves over TCP, whatever pieces the stream comes in", async (t) => {
  const { mqttPort } = await startMidge(t);
  const socket = connect(mqttPort, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.setNoDelay(true);
  await once(socket, "connect");
  const bytes = joined(rawConnect(), PING, frame(0x32, field("t"), "0009", "78"), PING);
  for (let at = 0; at < bytes.length; at += 3) {
    socket.write(bytes.subarray(at, at + 3));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await answered(socket, `${CONNACK}${PONG}40020009${PONG}`);
});
