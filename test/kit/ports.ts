/**
 * Ports for the servers that tests start. They lie below those the system lends to outgoing
 * connections, so that none is taken between being found and being used, or while its server
 * restarts; and each is one process's alone, for as long as that runs.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

const LOWEST = 10_000;
const HIGHEST = 32_000;

let next = LOWEST + ((process.pid * 37) % (HIGHEST - LOWEST));

/** A TCP port that is free. */
export function freePort(): Promise<number> {
  return find(tcpIsFree);
}

/** A UDP port that is free. */
export function freeUdpPort(): Promise<number> {
  return find(udpIsFree);
}

async function find(isFree: (port: number) => Promise<boolean>): Promise<number> {
  for (let tries = LOWEST; tries < HIGHEST; tries++) {
    const port = next;
    next = port + 1 < HIGHEST ? port + 1 : LOWEST;
    if ((await claim(port)) && (await isFree(port))) return port;
  }
  throw new Error(`no port of ${LOWEST} to ${HIGHEST} is free`);
}

/** An abstract socket of the port's name: only one process can have it, and it ends with that. */
async function claim(port: number): Promise<boolean> {
  return await served(createServer().unref(), { path: `\0midge-port-${port}` });
}

async function tcpIsFree(port: number): Promise<boolean> {
  const server = createServer();
  if (!(await served(server, { port }))) return false;
  server.close();
  await once(server, "close");
  return true;
}

async function udpIsFree(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    socket.bind(port);
    await once(socket, "listening");
  } catch {
    return false;
  } finally {
    socket.close();
  }
  return true;
}

async function served(server: Server, where: { path?: string; port?: number }): Promise<boolean> {
  try {
    server.listen(where);
    await once(server, "listening");
    return true;
  } catch {
    return false;
  }
}
