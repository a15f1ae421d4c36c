/** Carries conversations to Midge's ports, many at a time. */
import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import type { Conversation } from "./conversation.ts";

export interface Ports {
  readonly tcp: number;
  readonly websocket: number;
  readonly udp: number;
}

/** How long a conversation is left open for answers once everything is sent, ms. */
const LISTENING = 40;
/** A conversation takes no longer than this, whatever happens, ms. */
const LONGEST = 3000;

/** Resolves when the conversation is over. */
export function carry(conversation: Conversation, ports: Ports): Promise<void> {
  return conversation.port === "udp"
    ? carryDatagrams(conversation, ports.udp)
    : carryStream(conversation, ports[conversation.port]);
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

function sendPieces(socket: Socket, pieces: readonly Uint8Array[], reset: boolean): void {
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

function carryDatagrams({ pieces }: Conversation, port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.on("error", () => {});
    socket.bind(0, "127.0.0.1", () => {
      for (const piece of pieces) socket.send(piece, port, "127.0.0.1", () => {});
      setTimeout(() => socket.close(resolve), LISTENING);
    });
  });
}
