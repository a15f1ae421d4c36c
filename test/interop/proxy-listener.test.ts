/** Listeners behind a load balancer that speaks the PROXY protocol. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import mqtt from "mqtt";
import { WebSocket } from "ws";
import type { ProxyOptions } from "../../src/listeners/options.ts";
import { aedesBehindWires } from "../kit/aedes-behind-wire.ts";
import { TestCa } from "../kit/certificates.ts";
import { type ListenerRig, prepareListener, startListener } from "../kit/listener-rig.ts";
import { Program, temporaryFolder } from "../kit/processes.ts";
import { proxyV2, textField, tlsExtension, withChecksum } from "../kit/proxy-header.ts";

const V1 = "PROXY TCP4 192.0.2.5 198.51.100.1 6275 1883\r\n";

function proxy(version: 1 | 2, more: Partial<ProxyOptions> = {}): ProxyOptions {
  return {
    version,
    requireTls: false,
    requireCertificate: false,
    useIdentityAsUsername: false,
    ...more,
  };
}

/** Sends each piece by itself; the socket ends with the test. */
async function send(
  t: TestContext,
  port: number,
  ...pieces: (Uint8Array | string)[]
): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, "close");
}

/** The only end that the listener has made, once it has `text`. */
async function endWith(rig: ListenerRig, text: string) {
  await rig.until(() => rig.ends[0]?.text === text, text);
  assert.equal(rig.ends.length, 1);
  return rig.ends[0] ?? assert.fail();
}

describe("the client that the load balancer speaks for", () => {
  for (const [what, version, header, remote, address] of [
    ["by a line", 1, V1, "192.0.2.5:6275", "192.0.2.5"],
    ["by version 2", 2, proxyV2(), "192.0.2.5:6275", "192.0.2.5"],
    [
      "with IPv6",
      2,
      proxyV2({ source: "2001:db8:0:0:0:0:0:1" }),
      "2001:db8::1:6275",
      "2001:db8::1",
    ],
    ["with a checksum", 2, withChecksum({}), "192.0.2.5:6275", "192.0.2.5"],
    ["of a Unix socket", 2, proxyV2({ family: 0x31 }), "unix", "unix"],
  ] as const) {
    test(`${what}: its address counts`, async (t) => {
      const rig = await startListener(t, { options: { proxy: proxy(version) } });
      const socket = await send(
        t,
        rig.port,
        Buffer.concat([Buffer.from(header), Buffer.from("hello")]),
      );
      const end = await endWith(rig, "hello");
      assert.equal(end.wire.remote, remote);
      assert.equal(end.wire.address, address);
      assert.equal(end.wire.identity, undefined);
      assert.equal(((await once(socket, "data")) as [Buffer])[0].toString(), "hello");
      socket.write("more");
      await endWith(rig, "hellomore");
    });
  }

  for (const [what, version, header] of [
    ["UNKNOWN", 1, "PROXY UNKNOWN\r\n"],
    ["LOCAL", 2, proxyV2({ command: 0x20, family: 0 })],
  ] as const) {
    test(`${what}: the load balancer itself is the client`, async (t) => {
      const rig = await startListener(t, { options: { proxy: proxy(version) } });
      await send(t, rig.port, header, "hi");
      const { wire } = await endWith(rig, "hi");
      assert.equal(wire.address, "127.0.0.1");
    });
  }

  test("a header in pieces is read as a whole one", async (t) => {
    for (const [version, header] of [
      [1, Buffer.from(V1)],
      [2, proxyV2()],
    ] as const) {
      const rig = await startListener(t, { options: { proxy: proxy(version) } });
      await send(t, rig.port, ...[...header].map((byte) => Buffer.of(byte)), "hello");
      assert.equal((await endWith(rig, "hello")).wire.address, "192.0.2.5");
    }
  });
});

describe("without a valid header the connection is closed", () => {
  for (const [what, version, bytes] of [
    ["MQTT at once", 1, "\x10\x0c\x00\x04MQTT"],
    ["MQTT at once", 2, "\x10\x0c\x00\x04MQTT"],
    ["version 1 where 2 is spoken", 2, V1],
    ["version 2 where 1 is spoken", 1, proxyV2()],
    ["a line without end", 1, `PROXY TCP4 ${"1".repeat(500)}`],
    ["a wrong checksum", 2, withChecksum({}, 1)],
  ] as const) {
    test(`${what} (${version})`, async (t) => {
      const rig = await startListener(t, { options: { proxy: proxy(version) } });
      await closed(await send(t, rig.port, bytes));
      assert.equal(rig.ends.length, 0);
      assert.match(
        rig.log.lines[0] ?? "",
        /^connection: Connection from 127\.0\.0\.1:\d+ rejected, corrupt PROXY header \(/,
      );
      await rig.until(() => rig.room.taken === 0, "the end");
    });
  }

  test("so is one whose header does not come in time, or breaks off", async (t) => {
    const rig = await startListener(t, { options: { proxy: proxy(1) } });
    const silent = await send(t, rig.port);
    const slow = await send(t, rig.port, "PROXY ");
    const gone = await send(t, rig.port, "PROXY TCP4");
    gone.end();
    await closed(gone);
    await rig.until(() => rig.listener.connections === 2, "two connections");
    rig.clock.advance(30_000);
    await Promise.all([closed(silent), closed(slow)]);
    await rig.until(() => rig.listener.connections === 0 && rig.room.taken === 0, "the end");
    assert.equal(rig.ends.length, 0);
  });
});

describe("TLS that the load balancer has ended", () => {
  const name = textField(0x22, "cliënt");
  const plain = proxyV2();
  const encrypted = proxyV2({ extensions: [tlsExtension({ client: 0x01 })] });
  const certified = proxyV2({ extensions: [tlsExtension({ fields: [name] })] });
  const nameless = proxyV2({ extensions: [tlsExtension()] });
  const forged = proxyV2({ extensions: [tlsExtension({ verify: 1, fields: [name] })] });

  for (const [what, options, header, outcome] of [
    ["required and not used", { requireTls: true }, plain, "client did not connect using TLS"],
    ["required and used", { requireTls: true }, encrypted, undefined],
    [
      "required, and the load balancer speaks for itself",
      { requireTls: true },
      proxyV2({ command: 0x20 }),
      "client did not connect using TLS",
    ],
    [
      "without the certificate required",
      { requireCertificate: true },
      encrypted,
      "client did not provide a certificate",
    ],
    [
      "with a certificate that did not verify",
      { requireCertificate: true },
      forged,
      "client did not provide a certificate",
    ],
    ["with the certificate required", { requireCertificate: true }, nameless, undefined],
    [
      "with a certificate that names nobody",
      { useIdentityAsUsername: true },
      nameless,
      "its certificate has no common name that can be a user name",
    ],
    [
      "with a name that did not verify",
      { useIdentityAsUsername: true },
      forged,
      "client did not provide a certificate",
    ],
  ] as const) {
    test(what, async (t) => {
      const rig = await startListener(t, { options: { proxy: proxy(2, options) } });
      const socket = await send(t, rig.port, header, "hello");
      if (outcome === undefined) {
        assert.equal((await endWith(rig, "hello")).wire.identity, undefined);
        return;
      }
      await closed(socket);
      assert.equal(rig.ends.length, 0);
      assert.ok(rig.log.lines[0]?.endsWith(` rejected, ${outcome}.`), rig.log.lines[0]);
    });
  }

  test("its common name becomes the user name", async (t) => {
    const rig = await startListener(t, {
      options: { proxy: proxy(2, { useIdentityAsUsername: true }) },
    });
    await send(t, rig.port, certified, "hello");
    const { wire } = await endWith(rig, "hello");
    assert.deepEqual(wire.identity, { username: "cliënt", verified: true, kind: "proxy" });
    assert.equal(wire.address, "192.0.2.5");
  });

  test("version 1 cannot tell of it, so the listener does not open", async (t) => {
    const { listener } = prepareListener(t, { options: { proxy: proxy(1, { requireTls: true }) } });
    await assert.rejects(listener.start(), /proxy_protocol_v2_require_tls needs version 2/);
  });
});

test("mqtt.js over WebSocket through a load balancer", async (t) => {
  const broker = await aedesBehindWires();
  t.after(() => broker.stop());
  const addresses: string[] = [];
  const { port } = await startListener(t, {
    accept: (wire) => {
      addresses.push(wire.remote);
      return broker.accept(wire);
    },
    options: { protocol: "websockets", proxy: proxy(2) },
  });
  const balancer = await startBalancer(t, port, proxyV2());
  const client = await mqtt.connectAsync(`ws://127.0.0.1:${balancer}/mqtt`);
  await client.publishAsync("plant/pot", "wet", { qos: 2 });
  await client.endAsync();
  assert.deepEqual(addresses, ["192.0.2.5:6275"]);
});

test("a WebSocket request right behind the header, in one piece", async (t) => {
  const rig = await startListener(t, { options: { protocol: "websockets", proxy: proxy(1) } });
  const balancer = await startBalancer(t, rig.port, Buffer.from(V1));
  const socket = new WebSocket(`ws://127.0.0.1:${balancer}/`, ["mqtt"]);
  await once(socket, "open");
  socket.send(Buffer.from("hello"));
  assert.equal((await endWith(rig, "hello")).wire.remote, "192.0.2.5:6275");
  socket.terminate();
});

test("TLS behind the header, for a load balancer that passes it on", async (t) => {
  const folder = temporaryFolder(t);
  const ca = new TestCa(folder);
  const server = ca.issue("server");
  const identification = {
    kind: "certificate",
    certFile: server.cert,
    keyFile: server.key,
    requireCertificate: false,
  } as const;
  const tls = { identification, minimumVersion: "TLSv1.2", alpn: [] } as const;
  const rig = await startListener(t, { options: { tls, proxy: proxy(2) } });
  const balancer = await startBalancer(t, rig.port, proxyV2());
  const socket = connectTls({ host: "127.0.0.1", port: balancer, ca: readFileSync(ca.cert) });
  t.after(() => socket.destroy());
  await once(socket, "secureConnect");
  socket.write("hello");
  assert.equal((await endWith(rig, "hello")).wire.address, "192.0.2.5");
});

test("socat as the load balancer", async (t) => {
  const rig = await startListener(t, { options: { proxy: proxy(1) } });
  const file = join(temporaryFolder(t), "header");
  writeFileSync(file, `${V1}hello`);
  const socat = new Program(t, "socat", [
    "-t",
    "5",
    `OPEN:${file},ignoreeof`,
    `TCP4:127.0.0.1:${rig.port}`,
  ]);
  assert.equal((await endWith(rig, "hello")).wire.remote, "192.0.2.5:6275");
  rig.ends[0]?.wire.close();
  socat.signal("SIGTERM");
  await socat.end();
});

/** Puts `header`, and what the client sends first, in front of each connection to `port` as one piece. */
async function startBalancer(t: TestContext, port: number, header: Uint8Array): Promise<number> {
  const server = createServer((client) => {
    client.on("error", () => {});
    client.once("data", (first) => {
      const behind = connect(port, "127.0.0.1");
      behind.on("error", () => client.destroy());
      behind.write(Buffer.concat([header, first]));
      client.pipe(behind).pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
