/** The real program under clients that announce, send, connect or hold more than is good for it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { hex } from "../../kit/hex.ts";
import { freePort } from "../../kit/ports.ts";
import { MIDGE, Program, temporaryFolder } from "../../kit/processes.ts";
import {
  assertGrowth,
  assertServes,
  expectBytes,
  expectClosed,
  ping,
  rawClient,
  rawSocket,
  residentMemory,
} from "../../kit/raw-mqtt.ts";
import { field, frame, joined, rawConnect } from "../../kit/raw-packets.ts";

const MEGABYTE = 1_000_000;

interface Running {
  readonly program: Program;
  readonly pid: number;
  readonly port: number;
  readonly folder: string;
}

/** A Midge with one listener and little to log, which may open so many files. */
async function start(t: TestContext, more = "", files = 10_000): Promise<Running> {
  const folder = temporaryFolder(t);
  const port = await freePort();
  const file = join(folder, "midge.toml");
  writeFileSync(
    file,
    `[[listener]]\nport = ${port}\n[gateway]\nenabled = false\n[http]\nenabled = false\n` +
      `[store]\npath = ${JSON.stringify(join(folder, "data"))}\n${more}\n`,
  );
  const limit = `ulimit -n ${files} && exec "$0" "$@"`;
  const words = ["-c", limit, process.execPath, MIDGE, "run", "-c", file];
  const program = new Program(t, "sh", words);
  await program.until((text) => text.includes("Midge is ready."), "readiness");
  return { program, pid: program.pid, port, folder };
}

test("hundreds of strangers that announce huge CONNECTs and dribble take little memory (CVE-2017-7651, CVE-2023-0809)", async (t) => {
  const midge = await start(t);
  await assertServes(t, midge.port);
  const before = residentMemory(midge.pid);
  const refused: Promise<void>[] = [];
  const waiting: Socket[] = [];
  for (let index = 0; index < 300; index++) {
    const huge = await rawSocket(t, midge.port);
    huge.write(hex("10 ff ff ff 7f 0004 4d515454 04"));
    refused.push(expectClosed(huge, "a CONNECT of 256 MB"));
    const long = await rawSocket(t, midge.port);
    long.write(hex("10 e0 c5 08 0004 4d515454 04 82 0000 0001 61"));
    waiting.push(long);
  }
  await Promise.all(refused);
  for (let round = 0; round < 10; round++) {
    for (const socket of waiting) socket.write(Buffer.alloc(50, 0x61));
    await assertServes(t, midge.port);
  }
  assertGrowth(midge.pid, before, 60 * MEGABYTE, "600 strangers");
});

test("clients that announce long PUBLISHes and send little take memory for what they sent", async (t) => {
  const midge = await start(t);
  const clients = [];
  for (let index = 0; index < 200; index++) {
    clients.push(await rawClient(t, midge.port, `c${index}`));
  }
  await assertServes(t, midge.port);
  const before = residentMemory(midge.pid);
  // 1.9 MB each, 380 MB together.
  for (const client of clients)
    client.write(joined("30 b0 fb 73", field("t"), new Uint8Array(500)));
  for (let round = 0; round < 5; round++) {
    for (const client of clients) client.write(Buffer.alloc(500));
    await assertServes(t, midge.port);
  }
  assertGrowth(midge.pid, before, 60 * MEGABYTE, "200 long packets in part");
  for (const client of clients) client.destroy();
  await assertServes(t, midge.port);
});

/** Writes as much as the other side takes, up to a bound, from one who reads nothing; answers how much that was. */
async function flood(client: Socket, bytes: Uint8Array, most: number): Promise<number> {
  client.pause();
  let written = 0;
  while (written < most && !client.destroyed) {
    written += bytes.length;
    if (client.write(bytes)) continue;
    // Not taken within this time: the other side has stopped reading, or closed.
    const timer = new AbortController();
    const drained = once(client, "drain", { signal: timer.signal }).then(
      () => true,
      () => false,
    );
    const stop = setTimeout(() => timer.abort(), 2000);
    const goesOn = await drained;
    clearTimeout(stop);
    if (!goesOn) break;
  }
  return written;
}

const FLOODS: Readonly<Record<string, Uint8Array>> = {
  PINGREQ: frame(0xc0),
  "PUBLISH of QoS 1": frame(0x32, field("t"), "0001"),
  PUBREL: frame(0x62, "0001"),
  SUBSCRIBE: frame(0x82, "0001", field("t"), "00"),
  UNSUBSCRIBE: frame(0xa2, "0001", field("t")),
};

for (const [what, packet] of Object.entries(FLOODS)) {
  test(`a flood of ${what} by who never reads the answers is no longer read`, async (t) => {
    const midge = await start(t);
    const client = await rawClient(t, midge.port, "flood");
    const many = Buffer.alloc(packet.length * 5000);
    for (let at = 0; at < many.length; at += packet.length) many.set(packet, at);
    const before = residentMemory(midge.pid);
    // What the kernel holds for both sides is a few megabytes.
    assert.ok((await flood(client, many, 100 * MEGABYTE)) < 60 * MEGABYTE);
    await assertServes(t, midge.port);
    assertGrowth(midge.pid, before, 150 * MEGABYTE, "unread answers");
    // Once they are read, it goes on.
    client.resume();
    if (client.writableLength > 0) await once(client, "drain");
  });
}

test("a subscriber that reads nothing under a flood takes bounded memory, and others get everything", async (t) => {
  const midge = await start(t, "[broker]\nmax_queued_messages = 1000");
  const stuck: Socket[] = [];
  for (let index = 0; index < 20; index++) {
    const client = await rawClient(t, midge.port, `stuck-${index}`);
    client.write(frame(0x82, "0001", field("t"), "00"));
    await expectBytes(client, "9003000100");
    client.pause();
    stuck.push(client);
  }
  const publisher = await rawClient(t, midge.port, "p");
  const before = residentMemory(midge.pid);
  const message = frame(0x30, field("t"), new Uint8Array(1000));
  const many = joined(...Array.from({ length: 100 }, () => message));
  // 20 MB, for each of twenty.
  for (let round = 0; round < 200; round++) {
    if (!publisher.write(many)) await once(publisher, "drain");
    if (round % 20 === 0) await ping(publisher);
  }
  await ping(publisher);
  await assertServes(t, midge.port);
  // All of it would be 400 MB.
  assertGrowth(midge.pid, before, 160 * MEGABYTE, "twenty stuck subscribers");
});

test("thousands of connections that come and go, cut or in order, leave nothing behind (CVE-2021-33175)", async (t) => {
  const midge = await start(t);
  const storm = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const socket = await rawSocket(t, midge.port);
      if (index % 4 > 0) socket.write(rawConnect({ payload: [field(`storm-${index % 50}`)] }));
      if (index % 4 > 1)
        socket.write(frame(0x82, "0001", field("#"), "01", field(`a/${index}`), "01"));
      if (index % 4 === 3) {
        socket.end(frame(0xe0));
      } else {
        socket.resetAndDestroy();
      }
    }
  };
  await storm(500);
  await assertServes(t, midge.port);
  const before = residentMemory(midge.pid);
  await storm(2000);
  await assertServes(t, midge.port);
  assertGrowth(midge.pid, before, 40 * MEGABYTE, "2000 connections");
});

/** Waits until the program has noticed that others have gone. */
async function roomAgain(t: TestContext, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const client = await rawClient(t, port, "room").catch(() => undefined);
    client?.destroy();
    if (client !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("no connection is taken any more");
}

test("with few file descriptors a flood of connections is turned away, those inside are served, the store goes on", async (t) => {
  const { program, port } = await start(t, "", 80);
  const inside = await rawClient(t, port, "inside");
  const flood: Socket[] = [];
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 150; index++) {
      const socket = await rawSocket(t, port).catch(() => undefined);
      if (socket !== undefined) flood.push(socket);
    }
    // What is to be durable becomes so: the store can still open its files.
    inside.write(frame(0x33, field("kept"), "0005", "78"));
    await expectBytes(inside, "40020005");
    await ping(inside);
  }
  for (const socket of flood) socket.destroy();
  await roomAgain(t, port);
  await assertServes(t, port);
  assert.match(program.output + program.errors, /connections are refused/);
  program.signal("SIGTERM");
  assert.equal(await program.end(), 0);
});

test("a configuration that cannot be read for want of descriptors or rights leaves the old one in force (CVE-2017-7652)", async (t) => {
  const { program, port, folder } = await start(t, "", 60);
  const flood: Socket[] = [];
  for (let index = 0; index < 100; index++) {
    const socket = await rawSocket(t, port).catch(() => undefined);
    if (socket !== undefined) flood.push(socket);
  }
  writeFileSync(join(folder, "midge.toml"), "this is no configuration\n");
  program.signal("SIGHUP");
  await program.until((text) => /midge\.toml/.test(text), "word of the wrong file");
  for (const socket of flood) socket.destroy();
  await roomAgain(t, port);
  await assertServes(t, port);
});
