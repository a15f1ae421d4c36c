/**
 * A TCP proxy that treats connections as bad networks do: it cuts them, at the end of a packet or within
 * one, closes one way only, delays, stalls, lets bytes through one by one, and takes no new ones.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { PacketLog } from "./packet-log.ts";
import { type Conditions, Link } from "./troubled-link.ts";
import { type Way, WireWitness } from "./wire-witness.ts";

export interface TroubledProxyParts {
  readonly port: number;
  /** Of a broker on 127.0.0.1. */
  readonly target: number;
  /** Of the bridge. */
  readonly level: 4 | 5;
  readonly log: PacketLog;
}

export class TroubledProxy {
  readonly witness = new WireWitness();
  readonly #parts: TroubledProxyParts;
  readonly #conditions: Conditions = { delay: 0, stalled: false, trickling: false };
  readonly #links = new Set<Link>();
  #server: Server | undefined;
  #count = 0;

  constructor(parts: TroubledProxyParts) {
    this.#parts = parts;
  }

  get port(): number {
    return this.#parts.port;
  }

  /** Takes connections, again if it refused them. */
  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server = server;
    server.listen(this.#parts.port, "127.0.0.1");
    await once(server, "listening");
  }

  /** Refuses new connections; those that there are stay. */
  refuse(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  stop(): void {
    this.refuse();
    this.cut();
  }

  /** Resets all connections; what was on its way is lost. */
  cut(): void {
    for (const link of this.#links) link.cut();
  }

  /** Resets all connections when so many more bytes have gone this way, mostly within a packet. */
  cutAfter(way: Way, bytes: number): void {
    for (const link of this.#links) link.pipes[way].cutAfter = bytes;
  }

  /** Ends this way of all connections in order, as if that side had nothing more to say. */
  halfClose(way: Way): void {
    for (const link of this.#links) link.pipes[way].finish();
  }

  /** Everything takes so much longer, ms. */
  delay(duration: number): void {
    this.#conditions.delay = duration;
  }

  /** Takes bytes and connections, and hands nothing on, until told otherwise. */
  stall(stalled: boolean): void {
    this.#conditions.stalled = stalled;
    for (const link of this.#links) link.pump();
  }

  /** The connections of now never hand on anything any more; new ones do. */
  forsake(): void {
    for (const link of this.#links) link.forsake();
  }

  trickle(trickling: boolean): void {
    this.#conditions.trickling = trickling;
  }

  #accept(near: Socket): void {
    const { target, log, level } = this.#parts;
    const name = `proxy-${++this.#count}`;
    const far = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    const conditions = this.#conditions;
    const { witness } = this;
    const link = new Link({ name, near, far, level, log, witness, conditions });
    this.#links.add(link);
    log.note(name, "opens");
    link.ended = () => {
      if (this.#links.delete(link)) log.note(name, "is over");
    };
  }
}
