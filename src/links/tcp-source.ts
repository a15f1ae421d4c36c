/** Connects to a serial port that a server elsewhere offers over TCP, as ser2net and ESP-Link do. */
import type { Socket } from "node:net";
import type { Dialling } from "../seams/dialler.ts";
import { networkCause } from "../sockets/network-cause.ts";
import { openSocket } from "../sockets/open-socket.ts";
import { type Line, type LineEnd, LineProblem, type LineSource } from "./line.ts";

/** How long name lookup and connection may take together, ms. */
const CONNECTING_TAKES = 10_000;

export class TcpSource implements LineSource {
  readonly sought: string;
  readonly #host: string;
  readonly #port: number;
  #dialling: Dialling | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.sought = `tcp://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  open(accept: (line: Line) => LineEnd): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#dialling = openSocket({
        place: { kind: "tcp", host: this.#host, port: this.#port },
        timeout: CONNECTING_TAKES,
        opened: (socket) => {
          const line = new TcpLine(socket, this.sought);
          line.start(accept(line));
          resolve();
        },
        failed: (cause) => reject(new LineProblem(`cannot connect to ${this.sought}: ${cause}`)),
      });
    });
  }

  cancel(): void {
    this.#dialling?.cancel();
  }
}

class TcpLine implements Line {
  readonly where: string;
  readonly #socket: Socket;
  #open = true;

  constructor(socket: Socket, where: string) {
    this.#socket = socket;
    this.where = where;
  }

  start(end: LineEnd): void {
    const socket = this.#socket;
    let cause = "closed by the other end";
    socket.removeAllListeners("error");
    socket.on("error", (error) => {
      cause = networkCause(error);
    });
    socket.on("data", (bytes: Buffer) => end.receive(bytes));
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      if (!this.#open) return;
      this.#open = false;
      end.closed(cause);
    });
    if (!this.#open) return;
    socket.setNoDelay(true);
    socket.resume();
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (!this.#open) return;
    this.#socket.write(bytes, (error) => {
      if (this.#open && (error === undefined || error === null)) written();
    });
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#socket.destroy();
  }
}
