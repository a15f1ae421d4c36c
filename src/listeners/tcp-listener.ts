/** Accepts MQTT connections on a TCP port. */
import { createServer, type Server, type Socket } from "node:net";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { FlushTurn } from "../sockets/flush-turn.ts";
import { openPlainWire, type SocketWire } from "../sockets/socket-wire.ts";
import { ListenError } from "./listen-error.ts";

export interface TcpListenerParts {
  /** Empty for every address, IPv4 and IPv6. */
  readonly address: string;
  readonly port: number;
  /** Connections at a time; more are closed at once. Undefined is no limit. */
  readonly maxConnections?: number | undefined;
  /** The part of the configuration that this listener comes from, for error messages. */
  readonly setting: string;
  readonly turn: FlushTurn;
  readonly accept: (wire: Wire) => WireEnd;
}

export class TcpListener {
  readonly #parts: TcpListenerParts;
  readonly #wires = new Set<SocketWire>();
  #server: Server | undefined;

  constructor(parts: TcpListenerParts) {
    this.#parts = parts;
  }

  /** Port in force: the one asked for, or the one given where 0 was asked for. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : this.#parts.port;
  }

  /** Rejects with ListenError. */
  start(): Promise<void> {
    const { address, port, setting } = this.#parts;
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
    this.#server = server;
    return new Promise((resolve, reject) => {
      const where = `${address === "" ? "*" : address}:${port}`;
      server.once("error", (error) => reject(new ListenError(where, setting, error)));
      server.listen({ port, host: address === "" ? undefined : address, backlog: 1024 }, resolve);
    });
  }

  /** Stops accepting and closes what is open. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const wire of this.#wires) wire.close();
    await closed;
  }

  #accept(socket: Socket): void {
    const { maxConnections, turn, accept } = this.#parts;
    if (maxConnections !== undefined && this.#wires.size >= maxConnections) {
      socket.destroy();
      return;
    }
    const remote = `${socket.remoteAddress ?? "unknown"}:${socket.remotePort ?? 0}`;
    const wire = openPlainWire(socket, turn, remote, accept);
    this.#wires.add(wire);
    wire.onGone = () => this.#wires.delete(wire);
  }
}
