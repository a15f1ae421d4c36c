/** TCP and Unix socket listeners: where they listen, and how many they let in. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import mqtt from "mqtt";
import type { ListenerOptions } from "../../src/listeners/options.ts";
import { aedesBehindWires } from "../kit/aedes-behind-wire.ts";
import { prepareListener, startListener } from "../kit/listener-rig.ts";
import { freePort } from "../kit/ports.ts";
import { Program, temporaryFolder } from "../kit/processes.ts";

const hasIPv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

/** Whether a connection is served: what is sent comes back. */
async function served(t: TestContext, to: NetConnectOpts): Promise<boolean> {
  const socket = connect(to);
  t.after(() => socket.destroy());
  return new Promise((resolve) => {
    socket.once("connect", () => socket.write("hello"));
    socket.once("data", () => resolve(true));
    socket.once("close", () => resolve(false));
    socket.on("error", () => {});
  });
}

async function open(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => {}).resume();
  await once(socket, "connect");
  return socket;
}

describe("addresses", () => {
  for (const [what, options, v4, v6] of [
    ["127.0.0.1", { address: "127.0.0.1" }, true, false],
    ["::1", { address: "::1" }, false, true],
    ["every address", { address: "" }, true, true],
    ["every address of IPv4", { address: "", socketDomain: "ipv4" }, true, false],
    ["every address of IPv6", { address: "", socketDomain: "ipv6" }, false, true],
    ["a host name", { address: "localhost", socketDomain: "ipv4" }, true, false],
    ["a network interface", { address: "203.0.113.1", bindInterface: "lo" }, true, true],
    [
      "a network interface, IPv4",
      { address: "", bindInterface: "lo", socketDomain: "ipv4" },
      true,
      false,
    ],
  ] as const) {
    test(what, { skip: v6 && !hasIPv6 ? "no IPv6 here" : false }, async (t) => {
      const { port } = await startListener(t, { options });
      assert.equal(await served(t, { host: "127.0.0.1", port }), v4);
      if (hasIPv6) assert.equal(await served(t, { host: "::1", port }), v6);
    });
  }

  test("an IPv4 client of a socket for both versions is shown as what it is", async (t) => {
    const rig = await startListener(t, { options: { address: "" } });
    assert.equal(await served(t, { host: "127.0.0.1", port: rig.port }), true);
    assert.equal(rig.ends[0]?.wire.address, "127.0.0.1");
    assert.match(rig.ends[0]?.wire.remote ?? "", /^127\.0\.0\.1:\d+$/);
  });

  test("what cannot be opened is told in words, and nothing stays open", async (t) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    t.after(() => taken.close());
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const cases: readonly (readonly [Partial<ListenerOptions>, string | RegExp])[] = [
      [
        { port },
        `cannot listen on 127.0.0.1:${port}: the port is in use by another program (set by listener[0].port)`,
      ],
      [
        { address: "203.0.113.1" },
        "cannot listen on 203.0.113.1:0: this machine has no such address (set by listener[0].port)",
      ],
      [
        { address: "::1", socketDomain: "ipv4" },
        "cannot listen on ::1: it is no IPv4 address (set by listener[0].address)",
      ],
      [
        { address: "no-such-host.invalid" },
        /^cannot listen on no-such-host\.invalid: (that host name is unknown|the name server did not answer).*\(set by listener\[0\]\.address\)$/,
      ],
      [
        { bindInterface: "eth99" },
        /^cannot listen on eth99: this machine has no network interface "eth99" with an address; it has: .*lo.* \(set by listener\[0\]\.bind_interface\)$/,
      ],
    ];
    for (const [options, message] of cases) {
      const { listener } = prepareListener(t, { options });
      await assert.rejects(listener.start(), { code: "MIDGE_LISTEN_FAILED", message });
    }
  });
});

describe("a Unix socket", () => {
  test("serves mqtt.js", async (t) => {
    const broker = await aedesBehindWires();
    t.after(() => broker.stop());
    const path = join(temporaryFolder(t), "s");
    const remotes: string[] = [];
    await startListener(t, {
      accept: (wire) => {
        remotes.push(wire.remote, wire.address);
        return broker.accept(wire);
      },
      options: { unix: { path } },
    });
    const client = await mqtt.connectAsync(`mqtt+unix://${path}`);
    await client.publishAsync("plant/pot", "wet", { qos: 2 });
    await client.endAsync();
    assert.deepEqual(remotes, ["unix", "unix"]);
  });

  test("has the permissions asked for, whatever the umask, and goes with the listener", async (t) => {
    for (const mode of [0o600, 0o660, 0o666]) {
      const path = join(temporaryFolder(t), "s");
      const before = process.umask(0o077);
      const rig = await startListener(t, { options: { unix: { path, mode } } }).finally(() =>
        process.umask(before),
      );
      assert.equal(statSync(path).mode & 0o777, mode);
      assert.equal(await served(t, { path }), true);
      await rig.listener.stop();
      assert.equal(existsSync(path), false);
    }
  });

  test("of a process that is gone is replaced; of one that lives, it is not", async (t) => {
    const path = join(temporaryFolder(t), "s");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("ready"))`;
    const other = new Program(t, process.execPath, ["-e", script]);
    await other.until((text) => text.includes("ready"), "a socket");
    const second = prepareListener(t, { options: { unix: { path } } });
    await assert.rejects(second.listener.start(), {
      message: `cannot listen on ${path}: another program listens there. Stop it, or choose another path (set by listener[0].path)`,
    });
    other.signal("SIGKILL");
    await other.end();
    assert.equal(existsSync(path), true);
    await startListener(t, { options: { unix: { path } } });
    assert.equal(await served(t, { path }), true);
  });

  test("never takes the place of another kind of file", async (t) => {
    const folder = temporaryFolder(t);
    const [file, inner, link] = ["file", "folder", "link"].map((name) => join(folder, name));
    writeFileSync(file as string, "precious");
    mkdirSync(inner as string);
    symlinkSync(file as string, link as string);
    for (const path of [file, inner, link] as string[]) {
      const { listener } = prepareListener(t, { options: { unix: { path } } });
      await assert.rejects(listener.start(), /there is a file of another kind; remove it/);
      assert.equal(existsSync(path), true);
    }
  });

  test("in a folder that is not there, or with too long a path: told in words", async (t) => {
    const folder = temporaryFolder(t);
    for (const [path, message] of [
      [join(folder, "none", "s"), /the folder does not exist \(set by listener\[0\]\.path\)$/],
      [join(folder, "x".repeat(110)), /the path of a Unix socket has 107 bytes at most/],
      [join(folder, "file", "s"), /the folder does not exist/],
    ] as const) {
      writeFileSync(join(folder, "file"), "");
      const { listener } = prepareListener(t, { options: { unix: { path } } });
      await assert.rejects(listener.start(), { message });
    }
  });

  test("in a folder that this user may not write", {
    skip: process.getuid?.() === 0 ? "root may" : false,
  }, async (t) => {
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o500);
    const { listener } = prepareListener(t, { options: { unix: { path: join(folder, "s") } } });
    await assert.rejects(listener.start(), /this user may not make a file there/);
  });
});

describe("how many are let in", () => {
  test("max_connections counts over all addresses, and gives room again", async (t) => {
    const options = { bindInterface: "lo", socketDomain: "ipv4", maxConnections: 2 } as const;
    const rig = await startListener(t, { options });
    const first = await open(t, rig.port);
    await open(t, rig.port);
    await rig.until(() => rig.ends.length === 2, "two connections");
    assert.equal(await served(t, { host: "127.0.0.1", port: rig.port }), false);
    assert.match(
      rig.log.lines[0] ?? "",
      /^connection: Client connection from 127\.0\.0\.1 denied: max_connections exceeded\.$/,
    );
    first.destroy();
    await rig.until(() => rig.listener.connections === 1, "room");
    assert.equal(await served(t, { host: "127.0.0.1", port: rig.port }), true);
  });

  test("whoever dawdles makes way for others when there is no room", async (t) => {
    const proxy = {
      version: 1,
      requireTls: false,
      requireCertificate: false,
      useIdentityAsUsername: false,
    } as const;
    const rig = await startListener(t, { options: { maxConnections: 2, proxy } });
    const slow = await open(t, rig.port);
    await open(t, rig.port);
    await rig.until(() => rig.listener.connections === 2, "two connections");
    const early = await open(t, rig.port);
    if (!early.closed) await once(early, "close");
    rig.clock.advance(5000);
    const late = await open(t, rig.port);
    if (!slow.closed) await once(slow, "close");
    late.write("PROXY UNKNOWN\r\nhello");
    await rig.until(() => rig.ends[0]?.text === "hello", "the newcomer");
  });
});

describe("with few file descriptors, those who are connected are served, and new ones again later", () => {
  for (const [what, mode] of [
    ["as Midge does it", "limited"],
    ["when the system runs out of them", "unlimited"],
  ] as const) {
    test(what, async (t) => {
      const script = join(import.meta.dirname, "../kit/starved-listener.ts");
      const port = await freePort();
      const limited = ["-c", 'ulimit -n 48; exec "$0" "$@"', process.execPath, script];
      const program = new Program(t, "sh", [...limited, String(port), mode]);
      await program.until((text) => text.includes("ready"), "readiness");
      const first = await open(t, port);
      const sockets: Socket[] = [];
      for (let count = 0; count < 60; count++) sockets.push(await open(t, port));
      const refused = sockets.at(-1) as Socket;
      if (!refused.closed) await once(refused, "close");
      first.write("hello");
      assert.equal(((await once(first, "data")) as [Buffer])[0].toString(), "hello");
      for (const socket of sockets) socket.destroy();
      await program.until((text) => text.includes("connections: 1\n"), "room");
      assert.equal(await served(t, { host: "127.0.0.1", port }), true);
      const lines = program.lines.filter((line) => line.startsWith("New connections are refused"));
      assert.equal(lines.length, mode === "limited" ? 1 : 0);
    });
  }
});

describe("stopping", () => {
  test("closes what is open, after what was written, and a peer that reads nothing does not hold it up", async (t) => {
    const rig = await startListener(t);
    const reading = connect(rig.port, "127.0.0.1");
    const stuck = await open(t, rig.port);
    stuck.pause();
    await rig.until(() => rig.ends.length === 2, "two connections");
    for (const { wire } of rig.ends) {
      wire.output.raw(
        wire.remote.endsWith(`:${stuck.localPort}`) ? new Uint8Array(32 << 20) : Buffer.from("bye"),
      );
      wire.flush();
    }
    let text = "";
    reading.on("data", (data: Buffer) => {
      text += data.toString();
    });
    const ended = once(reading, "close");
    await rig.listener.stop();
    await ended;
    assert.equal(text, "bye");
    assert.equal(
      rig.ends.every((end) => end.isClosed),
      true,
    );
    assert.equal(rig.room.taken, 0);
    await assert.rejects(once(connect(rig.port, "127.0.0.1"), "connect"));
  });
});
