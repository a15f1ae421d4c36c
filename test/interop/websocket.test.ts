/** MQTT over WebSocket on real sockets, against ws and mqtt.js as clients. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import mqtt from "mqtt";
import { WebSocket } from "ws";
import { healthOf } from "../../src/http/health.ts";
import { HttpServer } from "../../src/http/http-server.ts";
import { WebSocketAcceptor } from "../../src/listeners/websocket-acceptor.ts";
import type { Wire, WireEnd } from "../../src/seams/wire.ts";
import { FlushTurn } from "../../src/sockets/flush-turn.ts";
import { aedesBehindWires } from "../kit/aedes-behind-wire.ts";
import { FACTS } from "../kit/process-facts.ts";
import { SilentLog } from "../kit/silent-log.ts";

const SILENT = new SilentLog();
const MAXIMUM_PAYLOAD = 1024 * 1024;

/** A wire's end that notes what happens; what to do with received bytes is set by the test. */
class NotingEnd implements WireEnd {
  readonly wire: Wire;
  readonly chunks: Buffer[] = [];
  readonly causes: (string | undefined)[] = [];
  drains = 0;
  onReceive: (bytes: Uint8Array) => void;
  readonly #waiting: { check: () => boolean; resolve: () => void }[] = [];

  constructor(wire: Wire) {
    this.wire = wire;
    this.onReceive = (bytes) => {
      wire.output.raw(bytes);
      wire.flush();
    };
  }

  receive(bytes: Uint8Array): void {
    this.chunks.push(Buffer.from(bytes));
    this.onReceive(bytes);
    this.#look();
  }

  drained(): void {
    this.drains++;
    this.#look();
  }

  closed(cause: string | undefined): void {
    this.causes.push(cause);
    this.#look();
  }

  until(check: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ check, resolve });
      this.#look();
    });
  }

  #look(): void {
    for (const { check, resolve } of this.#waiting) if (check()) resolve();
  }
}

let http: HttpServer;
let acceptor: WebSocketAcceptor;
let ends: NotingEnd[] = [];

async function serve(accept: (wire: Wire) => WireEnd) {
  const made = new WebSocketAcceptor({
    accept,
    allowedOrigins: ["https://panel.example"],
    maximumPayload: MAXIMUM_PAYLOAD,
    turn: new FlushTurn(),
  });
  const server = new HttpServer({
    address: "127.0.0.1",
    port: 0,
    assets: "/nonexistent",
    upgrades: new Map([
      ["/mqtt", (request, socket, head) => made.handleUpgrade(request, socket, head)],
    ]),
    log: SILENT,
    api: {
      name: "test",
      version: "0",
      clock: { now: () => 0, wall: () => 0 },
      health: () => healthOf(FACTS),
    },
  });
  await server.start();
  return { acceptor: made, http: server };
}

before(async () => {
  ({ acceptor, http } = await serve((wire) => {
    const end = new NotingEnd(wire);
    ends.push(end);
    return end;
  }));
});

after(async () => {
  await acceptor.stop();
  await http.stop();
});

function dial(protocols: string[] = ["mqtt"], headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${http.port}/mqtt`, protocols, { headers });
}

async function open(): Promise<{ client: WebSocket; end: NotingEnd }> {
  ends = [];
  const client = dial();
  await once(client, "open");
  return { client, end: ends[0] as NotingEnd };
}

/** The status of the HTTP answer to a refused upgrade, 101 when it was taken. */
function upgradeStatus(client: WebSocket): Promise<number> {
  return new Promise((resolve) => {
    client.once("open", () => {
      client.terminate();
      resolve(101);
    });
    client.once("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    client.on("error", () => {});
  });
}

describe("the upgrade", () => {
  test("[MQTT-6.0.0-4] selects mqtt, or mqttv3.1 for older clients", async () => {
    for (const [offered, selected] of [
      [["mqtt"], "mqtt"],
      [["mqttv3.1"], "mqttv3.1"],
      [["chat", "mqtt"], "mqtt"],
    ] as const) {
      const client = dial([...offered]);
      await once(client, "open");
      assert.equal(client.protocol, selected);
      client.terminate();
    }
  });

  test("[MQTT-6.0.0-3] is refused to a client that does not ask for mqtt", async () => {
    assert.equal(await upgradeStatus(dial([])), 400);
    assert.equal(await upgradeStatus(dial(["chat"])), 400);
  });

  test("is open to our own page, to allowed origins, and to what is no page", async () => {
    const own = `http://127.0.0.1:${http.port}`;
    assert.equal(await upgradeStatus(dial(["mqtt"], { Origin: own })), 101);
    assert.equal(await upgradeStatus(dial(["mqtt"], { Origin: "https://panel.example" })), 101);
    assert.equal(await upgradeStatus(dial(["mqtt"])), 101);
  });

  test("is closed to pages of other origins", async () => {
    for (const origin of [
      "https://evil.example",
      "http://panel.example",
      "https://panel.example.evil.example",
      `http://127.0.0.1:${http.port + 1}`,
      "http://127.0.0.1",
      "null",
      "file://",
      "",
    ])
      assert.equal(await upgradeStatus(dial(["mqtt"], { Origin: origin })), 403, origin);
  });
});

describe("the stream", () => {
  test("[MQTT-6.0.0-2] frames do not matter: bytes arrive as one stream, in order", async () => {
    const { client, end } = await open();
    end.onReceive = () => {};
    client.send(Buffer.from([1, 2, 3, 4]));
    client.send(Buffer.from([5]));
    client.send(Buffer.from([6, 7]), { fin: false });
    client.send(Buffer.from([8, 9]), { fin: true });
    await end.until(() => Buffer.concat(end.chunks).length === 9);
    assert.deepEqual([...Buffer.concat(end.chunks)], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    client.terminate();
  });

  test("what one turn of the event loop encodes leaves in one binary message", async () => {
    const { client, end } = await open();
    end.onReceive = () => {
      for (const byte of [1, 2, 3]) {
        end.wire.output.u8(byte);
        end.wire.flush();
      }
    };
    client.send(Buffer.from([0]));
    const [data, isBinary] = (await once(client, "message")) as [Buffer, boolean];
    assert.equal(isBinary, true);
    assert.deepEqual([...data], [1, 2, 3]);
    client.terminate();
  });

  test("[MQTT-6.0.0-1] a text frame closes the connection, and says so once", async () => {
    const { client, end } = await open();
    client.send("text");
    client.send(Buffer.from([1]));
    const [code] = (await once(client, "close")) as [number];
    assert.equal(code, 1003);
    await end.until(() => end.causes.length > 0);
    assert.match(end.causes[0] ?? "", /text frame/);
    assert.equal(end.chunks.length, 0);
    assert.equal(end.causes.length, 1);
  });

  test("a frame beyond the bound closes the connection", async () => {
    const { client, end } = await open();
    client.send(Buffer.alloc(MAXIMUM_PAYLOAD + 1));
    const [code] = (await once(client, "close")) as [number];
    assert.equal(code, 1009);
    await end.until(() => end.causes.length > 0);
    assert.equal(end.chunks.length, 0);
  });

  test("bytes that are no WebSocket frames close the connection", async () => {
    const { client, end } = await open();
    const socket = (client as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket;
    socket.write(Buffer.alloc(64, 0xff));
    await end.until(() => end.causes.length > 0);
    assert.equal(end.chunks.length, 0);
    client.terminate();
  });

  test("compression is not negotiated", async () => {
    const { client } = await open();
    assert.equal(client.extensions, "");
    client.terminate();
  });
});

describe("backpressure", () => {
  test("backlog tells what a slow peer has not taken, drained() when it is gone", async () => {
    const { client, end } = await open();
    client.pause();
    const chunk = new Uint8Array(1024 * 1024);
    const total = 64 * chunk.length;
    for (let sent = 0; sent < total; sent += chunk.length) {
      end.wire.output.raw(chunk);
      end.wire.flush();
    }
    assert.ok(end.wire.backlog >= total);
    assert.equal(end.drains, 0);
    const message = once(client, "message");
    client.resume();
    await end.until(() => end.drains > 0);
    assert.equal(end.wire.backlog, 0);
    assert.equal(((await message)[0] as Buffer).length, total);
    client.send(Buffer.from([1]));
    await end.until(() => end.chunks.length === 1);
    client.terminate();
  });

  test("a peer that sends but does not read is not read from either", async () => {
    const { client, end } = await open();
    client.pause();
    const answer = new Uint8Array(64 * 1024);
    let most = 0;
    end.onReceive = () => {
      end.wire.output.raw(answer);
      end.wire.flush();
      most = Math.max(most, end.wire.backlog);
    };
    const request = Buffer.alloc(1000);
    for (let count = 0; count < 2000; count++) client.send(request);
    await end.until(() => most > 256 * 1024);
    const seen = await settled(() => end.chunks.length);
    assert.ok(seen < 2000);
    client.resume();
    await end.until(() => end.chunks.length === 2000);
    client.terminate();
  });
});

/** The value once it has stayed the same over many turns of the event loop. */
async function settled(read: () => number): Promise<number> {
  let value = read();
  for (let same = 0; same < 200; same++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (read() === value) continue;
    value = read();
    same = 0;
  }
  return value;
}

describe("the end", () => {
  test("close() writes what is in the output first", async () => {
    const { client, end } = await open();
    end.wire.output.u8(42);
    end.wire.close();
    const [data] = (await once(client, "message")) as [Buffer];
    assert.deepEqual([...data], [42]);
    await end.until(() => end.causes.length > 0);
    assert.deepEqual(end.causes, [undefined]);
  });

  test("a connection that is cut is closed once, with a cause", async () => {
    const { client, end } = await open();
    client.terminate();
    await end.until(() => end.causes.length > 0);
    end.wire.close();
    end.wire.flush();
    assert.equal(end.causes.length, 1);
    assert.match(end.causes[0] ?? "", /cut/);
  });

  test("a client's orderly close has no cause", async () => {
    const { client, end } = await open();
    client.close(1000);
    await end.until(() => end.causes.length > 0);
    assert.deepEqual(end.causes, [undefined]);
  });

  test("a core that refuses at once closes the connection", async () => {
    const other = await serve((wire) => {
      const end = new NotingEnd(wire);
      wire.close();
      return end;
    });
    const client = new WebSocket(`ws://127.0.0.1:${other.http.port}/mqtt`, ["mqtt"]);
    const [code] = (await once(client, "close")) as [number];
    assert.equal(code, 1000);
    await other.acceptor.stop();
    await other.http.stop();
  });

  test("stop() closes every connection and takes no new one", async () => {
    const made: NotingEnd[] = [];
    const other = await serve((wire) => {
      const end = new NotingEnd(wire);
      made.push(end);
      return end;
    });
    const url = `ws://127.0.0.1:${other.http.port}/mqtt`;
    const client = new WebSocket(url, ["mqtt"]);
    await once(client, "open");
    const closed = once(client, "close");
    await other.acceptor.stop();
    assert.equal((await closed)[0], 1001);
    assert.deepEqual(made[0]?.causes, [undefined]);
    assert.equal(await upgradeStatus(new WebSocket(url, ["mqtt"])), 503);
    await other.http.stop();
  });
});

test("mqtt.js publishes and subscribes through it", async () => {
  const broker = await aedesBehindWires();
  const other = await serve(broker.accept);
  const client = await mqtt.connectAsync(`ws://127.0.0.1:${other.http.port}/mqtt`);
  await client.subscribeAsync("plant/#", { qos: 1 });
  const arrived = new Promise<[string, Buffer]>((resolve) =>
    client.once("message", (topic, payload) => resolve([topic, payload])),
  );
  await client.publishAsync("plant/pot", "wet", { qos: 2 });
  const [topic, payload] = await arrived;
  assert.equal(topic, "plant/pot");
  assert.equal(payload.toString(), "wet");
  await client.endAsync();
  await other.acceptor.stop();
  await other.http.stop();
  await broker.stop();
});
