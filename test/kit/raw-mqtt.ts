/** MQTT over real sockets byte by byte, and how much memory a process takes meanwhile. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { toHex } from "./hex.ts";
import { field, frame, rawConnect } from "./raw-packets.ts";

/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 20_000;

/** Resident memory of a process, bytes. */
export function residentMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** A connection that goes with the test; errors of it are for those who look. */
export async function rawSocket(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Waits until `bytes` in hexadecimal digits have come, and nothing else before. */
export async function expectBytes(socket: Socket, bytes: string): Promise<void> {
  let got = "";
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error(`${got} came, not ${bytes}`)), PATIENCE);
    const look = (chunk: Buffer): void => {
      got += toHex(chunk);
      if (got === bytes) finish();
      else if (!bytes.startsWith(got)) finish(new Error(`${got} came, not ${bytes}`));
    };
    const end = (): void => finish(new Error(`closed after ${got}, before ${bytes}`));
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      socket.off("data", look).off("close", end);
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.on("data", look).once("close", end);
  });
}

/** Waits until the other side has closed the connection; what still comes is thrown away. */
export async function expectClosed(socket: Socket, what: string): Promise<void> {
  if (socket.destroyed) return;
  socket.resume();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not closed: ${what}`)), PATIENCE);
  });
  await Promise.race([once(socket, "close"), late]);
  clearTimeout(timer);
}

/** A client of 3.1.1 that has connected. */
export async function rawClient(t: TestContext, port: number, clientId: string): Promise<Socket> {
  const socket = await rawSocket(t, port);
  socket.write(rawConnect({ payload: [field(clientId)] }));
  await expectBytes(socket, "20020000");
  return socket;
}

/** Two clients reach each other at QoS 1. */
export async function assertServes(t: TestContext, port: number): Promise<void> {
  const receiver = await rawClient(t, port, "alive-receiver");
  receiver.write(frame(0x82, "0001", field("alive"), "00"));
  await expectBytes(receiver, "9003000100");
  const publisher = await rawClient(t, port, "alive-publisher");
  const arrived = expectBytes(receiver, "30080005616c69766578");
  publisher.write(frame(0x32, field("alive"), "0007", "78"));
  await expectBytes(publisher, "40020007");
  await arrived;
  receiver.destroy();
  publisher.destroy();
}

/** Fails if the process has taken more than `bytes` since it had `before`. */
export function assertGrowth(pid: number, before: number, bytes: number, what: string): void {
  const grown = residentMemory(pid) - before;
  const megabytes = (count: number): string => `${Math.round(count / 1e6)} MB`;
  assert.ok(
    grown < bytes,
    `${what}: ${megabytes(grown)} more, at most ${megabytes(bytes)} expected`,
  );
}

/** Lets the other side catch up: what it was sent before is dealt with when it has answered a ping. */
export async function ping(client: Socket): Promise<void> {
  client.write(frame(0xc0));
  await expectBytes(client, "d000");
}
