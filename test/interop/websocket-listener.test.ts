/** WebSocket listeners of their own: which requests are taken, and which are not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import mqtt from "mqtt";
import { WebSocket } from "ws";
import type { WebSocketOptions } from "../../src/listeners/options.ts";
import { aedesBehindWires } from "../kit/aedes-behind-wire.ts";
import { type ListenerRig, startListener } from "../kit/listener-rig.ts";
import { temporaryFolder } from "../kit/processes.ts";
import { head, rawExchange } from "../kit/raw-http.ts";

function start(t: TestContext, webSocket: Partial<WebSocketOptions> = {}): Promise<ListenerRig> {
  const common = {
    origins: undefined,
    guardLoopback: false,
    headersSize: 16_384,
    maximumPayload: 1_000_000,
  };
  return startListener(t, {
    options: { protocol: "websockets", webSocket: { ...common, ...webSocket } },
  });
}

/** The status of the answer, 101 for a connection. */
function status(
  port: number,
  headers: Readonly<Record<string, string>> = {},
  { path = "/mqtt", protocols = ["mqtt"] } = {},
): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers });
    socket.on("error", () => resolve(0));
    socket.on("open", () => {
      socket.terminate();
      resolve(101);
    });
    socket.on("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
}

test("mqtt.js on any path", async (t) => {
  const broker = await aedesBehindWires();
  t.after(() => broker.stop());
  const { port } = await startListener(t, {
    accept: broker.accept,
    options: { protocol: "websockets" },
  });
  for (const path of ["", "/", "/mqtt", "/some/where?else=1"]) {
    const client = await mqtt.connectAsync(`ws://127.0.0.1:${port}${path}`);
    await client.publishAsync("plant/pot", "wet", { qos: 2 });
    await client.endAsync();
  }
});

test("a Unix socket serves WebSocket, too", async (t) => {
  const path = join(temporaryFolder(t), "s");
  const rig = await startListener(t, { options: { protocol: "websockets", unix: { path } } });
  const socket = new WebSocket(`ws+unix://${path}:/mqtt`, ["mqtt"]);
  await once(socket, "open");
  socket.send(Buffer.from("hello"));
  await rig.until(() => rig.ends[0]?.text === "hello", "what was sent");
  assert.equal(rig.ends[0]?.wire.address, "unix");
  socket.terminate();
});

describe("web pages", () => {
  test("of any site may connect where none is named", async (t) => {
    const { port } = await start(t);
    assert.equal(await status(port, { Origin: "https://panel.example" }), 101);
    assert.equal(await status(port, { Origin: "null" }), 101);
    assert.equal(await status(port), 101);
  });

  test("of the sites that are named may connect, and no others", async (t) => {
    const { port } = await start(t, { origins: ["https://panel.example", "http://x:8080"] });
    assert.equal(await status(port, { Origin: "https://panel.example" }), 101);
    assert.equal(await status(port, { Origin: "http://x:8080" }), 101);
    for (const origin of [
      "http://panel.example",
      "https://panel.example:8080",
      "https://panel.example.evil.example",
      `http://127.0.0.1:${port}`,
      "null",
      "",
    ])
      assert.equal(await status(port, { Origin: origin }), 403, origin);
    assert.equal(await status(port), 101);
  });

  test("of elsewhere stay out of a guarded listener on loopback", async (t) => {
    const { port } = await start(t, { guardLoopback: true });
    for (const [headers, expected] of [
      [{}, 101],
      [{ Host: "panel.example" }, 101],
      [{ Origin: "http://localhost:3000" }, 101],
      [{ Origin: `http://127.0.0.1:${port}` }, 101],
      [{ Origin: "http://[::1]" }, 101],
      [{ Origin: "https://evil.example" }, 403],
      [{ Origin: "http://evil.example", Host: "evil.example" }, 403],
      [{ Origin: "http://localhost", Host: "evil.example" }, 403],
      [{ Origin: "http://localhost.evil.example" }, 403],
      [{ Origin: "null" }, 403],
      [
        { Origin: "https://panel.example", Host: "panel.example", "X-Forwarded-For": "192.0.2.1" },
        101,
      ],
    ] as const) {
      assert.equal(
        await status(port, headers as Record<string, string>),
        expected,
        JSON.stringify(headers),
      );
    }
  });
});

test("[MQTT-6.0.0-3] the subprotocol must be mqtt", async (t) => {
  const { port } = await start(t);
  assert.equal(await status(port, {}, { protocols: ["mqtt"] }), 101);
  assert.equal(await status(port, {}, { protocols: ["mqttv3.1"] }), 101);
  assert.equal(await status(port, {}, { protocols: ["chat"] }), 400);
  assert.equal(await status(port, {}, { protocols: [] }), 400);
});

test("headers are of bounded size", async (t) => {
  const { port } = await start(t, { headersSize: 2000 });
  assert.equal(await status(port, { Cookie: "x".repeat(1000) }), 101);
  assert.equal(await status(port, { Cookie: "x".repeat(3000) }), 431);
});

describe("what is no WebSocket request", () => {
  for (const [what, request, answer] of [
    ["a common request", head("GET / HTTP/1.1", "Host: x"), /^HTTP\/1\.1 426 .*\r\n/],
    [
      "a request with a body",
      `${head("POST / HTTP/1.1", "Host: x", "Content-Length: 5")}hello`,
      /^HTTP\/1\.1 426 /,
    ],
    ["MQTT", "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", /^HTTP\/1\.1 400 /],
    ["noise", "\xff".repeat(500), /^HTTP\/1\.1 400 /],
    [
      "another upgrade",
      head("GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: h2c"),
      /^HTTP\/1\.1 400 /,
    ],
  ] as const) {
    test(`${what}: answered and closed`, async (t) => {
      const rig = await start(t);
      assert.match(await rawExchange(rig.port, Buffer.from(request, "latin1")), answer);
      assert.equal(rig.ends.length, 0);
      await rig.until(() => rig.listener.connections === 0, "the end");
    });
  }

  test("a request that does not come to its end in time: closed", async (t) => {
    const rig = await start(t);
    const slow = [
      "",
      "GET / HT",
      "GET / HTTP/1.1\r\nHost: x\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
    ];
    const sockets = slow.map((text) => {
      const socket = connect(rig.port, "127.0.0.1", () => socket.write(text));
      return socket.on("error", () => {}).resume();
    });
    await rig.until(() => rig.listener.connections >= 3, "the connections");
    rig.clock.advance(30_000);
    await Promise.all(sockets.map((socket) => (socket.closed ? undefined : once(socket, "close"))));
    await rig.until(() => rig.room.taken === 0, "the end");
  });
});

test("stopping closes connections and requests alike", async (t) => {
  const rig = await start(t);
  const socket = new WebSocket(`ws://127.0.0.1:${rig.port}/`, ["mqtt"]);
  await once(socket, "open");
  const asking = connect(rig.port, "127.0.0.1", () => asking.write("GET / HTTP/1.1\r\n"));
  asking.on("error", () => {}).resume();
  await rig.until(() => rig.listener.connections === 2, "two connections");
  const closed = Promise.all([once(socket, "close"), once(asking, "close")]);
  await rig.listener.stop();
  const [[code]] = (await closed) as [[number], unknown];
  assert.equal(code, 1001);
  assert.equal(rig.ends[0]?.isClosed, true);
  assert.equal(rig.room.taken, 0);
});
