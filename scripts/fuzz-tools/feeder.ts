/** Carries conversations to Midge's ports, many at a time. */
import { createSocket, type Socket } from "node:dgram";
import { connect, type Socket as Stream } from "node:net";
import type { Conversation } from "./conversation.ts";
import type { LineKind } from "./line-bytes.ts";
import type { LineServer } from "./line-server.ts";

export interface Ports {
  readonly tcp: number;
  readonly websocket: number;
  readonly udp: number;
  readonly udp6: number;
  readonly lines: ReadonlyMap<LineKind, LineServer>;
}

/** How long a conversation is left open for answers once everything is sent, ms. */
const LISTENING = 40;
const ADDRESSES = 3;
/** A conversation takes no longer than this, whatever happens, ms. */
const LONGEST = 3000;

/** Resolves when the conversation is over. */
export function carry(conversation: Conversation, ports: Ports): Promise<void> {
  const { port } = conversation;
  switch (port) {
    case "udp":
      return carryDatagrams(conversation, "udp4", "127.0.0.1", ports.udp);
    case "udp6":
      return carryDatagrams(conversation, "udp6", "::1", ports.udp6);
    case "tcp":
    case "websocket":
      return carryStream(conversation, ports[port]);
    default:
      return carryLine(conversation, ports.lines.get(port));
  }
}

async function carryLine({ pieces, reset }: Conversation, line?: LineServer): Promise<void> {
  for (const piece of pieces) await line?.write(piece);
  await pause(LISTENING);
  if (reset) line?.break();
}

function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}

function carryStream({ pieces, reset }: Conversation, port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const deadline = setTimeout(() => socket.destroy(), LONGEST);
    socket.setNoDelay(true);
    // Whatever comes is thrown away: who reads nothing is another test's business.
    socket.resume();
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(deadline);
      resolve();
    });
    socket.on("connect", () => sendPieces(socket, pieces, reset));
  });
}

function sendPieces(socket: Stream, pieces: readonly Uint8Array[], reset: boolean): void {
  let next = 0;
  const sendOne = (): void => {
    const piece = pieces[next++];
    if (socket.destroyed) return;
    if (piece !== undefined) {
      socket.write(piece);
      setImmediate(sendOne);
      return;
    }
    setTimeout(() => {
      if (reset) socket.resetAndDestroy();
      else socket.end();
    }, LISTENING);
  };
  sendOne();
}

/** From up to three addresses, so that nodes move and take the place of others. */
async function carryDatagrams(
  { pieces, stride }: Conversation,
  family: "udp4" | "udp6",
  host: string,
  port: number,
): Promise<void> {
  const sockets: Socket[] = [];
  for (let count = stride === 0 ? 1 : ADDRESSES; count > 0; count--) {
    const socket = createSocket(family);
    socket.on("error", () => {});
    await new Promise<void>((resolve) => socket.bind(0, host, resolve));
    sockets.push(socket);
  }
  for (const [index, piece] of pieces.entries()) {
    sockets[(index * stride) % sockets.length]?.send(piece, port, host, () => {});
    // In a burst all of it would come before the first answer.
    if (index % 3 === 2) await pause(1);
  }
  await pause(LISTENING);
  for (const socket of sockets) socket.close();
}
