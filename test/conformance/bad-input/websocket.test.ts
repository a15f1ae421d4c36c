/** WebSocket frames and handshakes that no library would send, against the real program. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { toHex } from "../../kit/hex.ts";
import { type RunningMidge, startMidge } from "../../kit/processes.ts";
import {
  assertGrowth,
  assertServes,
  expectClosed,
  rawSocket,
  residentMemory,
} from "../../kit/raw-mqtt.ts";
import { field, frame, joined, rawConnect } from "../../kit/raw-packets.ts";

const REQUEST = [
  "GET /mqtt HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Protocol: mqtt",
  "",
  "",
].join("\r\n");

/** Collects what comes, and can be waited for. */
class Received {
  bytes = Buffer.alloc(0);
  #wake: (() => void)[] = [];

  constructor(socket: Socket) {
    const tell = (): void => {
      for (const wake of this.#wake.splice(0)) wake();
    };
    socket.on("data", (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      tell();
    });
    socket.on("close", tell);
  }

  async until(test: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!test()) {
      if (Date.now() > deadline) assert.fail(`${what} did not come, but ${toHex(this.bytes)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

/** A WebSocket whose handshake is done; what comes afterwards is collected. */
async function upgraded(
  t: TestContext,
  midge: RunningMidge,
): Promise<{ socket: Socket; received: Received }> {
  const socket = await rawSocket(t, midge.httpPort);
  const received = new Received(socket);
  socket.write(REQUEST);
  await received.until(() => received.bytes.includes("\r\n\r\n"), "the answer to the upgrade");
  assert.match(received.bytes.toString("latin1"), /^HTTP\/1\.1 101 /);
  received.bytes = received.bytes.subarray(received.bytes.indexOf("\r\n\r\n") + 4);
  return { socket, received };
}

interface FrameOptions {
  readonly first?: number;
  readonly masked?: boolean;
  /** What the header says; the payload's own length if not given. */
  readonly length?: number;
}

/** A frame as a client sends it; the mask is zero, so that the payload stands there as it is. */
function ws(payload: Uint8Array, options: FrameOptions = {}): Uint8Array {
  const { first = 0x82, masked = true, length = payload.length } = options;
  const mask = masked ? 0x80 : 0;
  const size =
    length < 126
      ? [mask | length]
      : length < 65536
        ? [mask | 126, length >>> 8, length & 255]
        : [
            mask | 127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >>> 16) & 255,
            (length >>> 8) & 255,
            length & 255,
          ];
  return joined(
    new Uint8Array([first, ...size]),
    masked ? new Uint8Array(4) : new Uint8Array(0),
    payload,
  );
}

const CONNACK = "820420020000";
const PING = frame(0xc0);

test("frames shorter and longer than their packets, split and joined, carry one stream (CVE-2026-25627)", async (t) => {
  const midge = await startMidge(t);
  const publish = frame(0x32, field("t"), "0001", new Uint8Array(300));
  const stream = joined(rawConnect(), publish, PING, publish, PING);
  for (const sizes of [[1], [2, 3], [stream.length], [7, 1, 50], [13, 2, 1000], [0, 5]]) {
    const { socket, received } = await upgraded(t, midge);
    for (let at = 0, turn = 0; at < stream.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      socket.write(ws(stream.subarray(at, at + size)));
      at += size;
    }
    // The answers come in whatever frames; their payloads are what counts.
    const payload = (): string => {
      let text = "";
      for (let at = 0; at + 1 < received.bytes.length; ) {
        const size = received.bytes[at + 1] ?? 0;
        text += toHex(received.bytes.subarray(at + 2, at + 2 + size));
        at += 2 + size;
      }
      return text;
    };
    await received.until(
      () => payload() === "20020000" + "40020001d000" + "40020001d000",
      `the answers in pieces of ${sizes}`,
    );
    socket.destroy();
  }
  await assertServes(t, midge.mqttPort);
});

test("a packet whose rest never comes, in a frame that is whole, does not hold others up", async (t) => {
  const midge = await startMidge(t);
  for (const bytes of [
    joined("10 7f 0004 4d515454"),
    joined(rawConnect(), "30 ff 7f 0001 74"),
    joined(rawConnect(), "82 20 0001 0001 74"),
    joined(rawConnect(), "30"),
  ]) {
    const { socket } = await upgraded(t, midge);
    socket.write(ws(bytes));
    await assertServes(t, midge.mqttPort);
  }
});

const BROKEN: Readonly<Record<string, Uint8Array>> = {
  "a frame without a mask": ws(rawConnect(), { masked: false }),
  "a text frame": ws(rawConnect(), { first: 0x81 }),
  "reserved bits": ws(rawConnect(), { first: 0xf2 }),
  "a reserved opcode": ws(rawConnect(), { first: 0x83 }),
  "a continuation of nothing": ws(rawConnect(), { first: 0x80 }),
  "a second beginning within a message": joined(ws(rawConnect(), { first: 0x02 }), ws(PING)),
  "a ping in fragments": ws(new Uint8Array(3), { first: 0x09 }),
  "a ping of 126 bytes": ws(new Uint8Array(126), { first: 0x89 }),
  "a close frame of one byte": ws(new Uint8Array(1), { first: 0x88 }),
  "a close frame with a code that is none": ws(new Uint8Array([0, 5]), { first: 0x88 }),
  "a frame of 4 GB": ws(new Uint8Array(0), { length: 0xffffffff }),
  "a frame of 2^63 bytes": joined("82 ff 8000000000000000 00000000"),
  "a frame of 2^53 bytes": joined("82 ff 0020000000000000 00000000"),
  "MQTT as if it were TCP": rawConnect(),
  "a second request": new TextEncoder().encode(REQUEST),
};

for (const [what, bytes] of Object.entries(BROKEN)) {
  test(`${what} closes that connection and harms nobody`, async (t) => {
    const midge = await startMidge(t);
    for (const connected of [false, true]) {
      const { socket, received } = await upgraded(t, midge);
      if (connected) {
        socket.write(ws(rawConnect()));
        await received.until(() => toHex(received.bytes) === CONNACK, "CONNACK");
      }
      socket.write(bytes);
      await expectClosed(socket, what);
    }
    await assertServes(t, midge.mqttPort);
  });
}

test("a message in thousands of fragments that never ends takes bounded memory", async (t) => {
  const midge = await startMidge(t);
  await assertServes(t, midge.mqttPort);
  const before = residentMemory(midge.pid);
  for (let index = 0; index < 10; index++) {
    const { socket } = await upgraded(t, midge);
    socket.write(ws(new Uint8Array(1000), { first: 0x02 }));
    const pieces = joined(
      ...Array.from({ length: 100 }, () => ws(new Uint8Array(1000), { first: 0x00 })),
    );
    for (let round = 0; round < 100 && !socket.destroyed; round++) {
      if (!socket.write(pieces)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await expectClosed(socket, "10 MB in fragments");
  }
  await assertServes(t, midge.mqttPort);
  assertGrowth(midge.pid, before, 80_000_000, "messages in fragments");
});

test("handshakes that stop anywhere, or are cut just behind, leave nothing behind (CVE-2017-7655)", async (t) => {
  const midge = await startMidge(t);
  for (let length = 0; length <= REQUEST.length; length += 7) {
    const socket = await rawSocket(t, midge.httpPort);
    socket.write(REQUEST.slice(0, length));
    if (length % 2 === 0) socket.resetAndDestroy();
    else socket.end();
  }
  for (let round = 0; round < 50; round++) {
    const socket = await rawSocket(t, midge.httpPort);
    socket.write(REQUEST);
    socket.write(ws(rawConnect()).subarray(0, round % 20));
    socket.resetAndDestroy();
  }
  await assertServes(t, midge.mqttPort);
  const { socket, received } = await upgraded(t, midge);
  socket.write(ws(rawConnect()));
  await received.until(() => toHex(received.bytes) === CONNACK, "CONNACK");
});
