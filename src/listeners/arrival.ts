/** A connection that is not yet one of MQTT: it still has a header, a handshake or a request to go through. */
import type { Socket } from "node:net";
import type { PeerInfo } from "../sockets/peer-info.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { RefusalLog } from "./refusal-log.ts";

export interface ArrivalParts {
  readonly socket: Socket;
  readonly peer: PeerInfo;
  readonly scheduler: Scheduler;
  readonly refusals: RefusalLog;
  /** How long all of it may take, ms. */
  readonly timeout: number;
  /** Called once, when the arrival has become a connection or has failed. */
  readonly settled: (arrival: Arrival) => void;
}

export class Arrival {
  /** The socket as it was accepted. */
  readonly socket: Socket;
  /** Who it is, as far as is known by now. */
  peer: PeerInfo;
  readonly #parts: ArrivalParts;
  readonly #timer: Timer;
  readonly #closed = (): void => this.#settle();
  #settled = false;
  /** Nothing more is to be said about it. */
  #told = false;

  constructor(parts: ArrivalParts) {
    const { socket, peer, scheduler, timeout } = parts;
    this.#parts = parts;
    this.socket = socket;
    this.peer = peer;
    this.#timer = scheduler.after(timeout, () =>
      this.refuse(`it was not ready within ${timeout / 1000} s`),
    );
    // Whatever goes wrong is followed by the end of the socket.
    socket.on("error", ignore);
    socket.once("close", this.#closed);
  }

  get over(): boolean {
    return this.#settled;
  }

  /** It has become a connection. */
  complete(): void {
    this.#told = true;
    this.socket.off("close", this.#closed);
    this.#settle();
  }

  /** Ends it, and says why in the log; also when the socket is gone, which the cause may come after. */
  refuse(why: string): void {
    if (this.#told) return;
    this.#parts.refusals.rejected(this.peer.remote, why);
    this.drop();
  }

  /** Ends it without a word. */
  drop(): void {
    this.#told = true;
    this.#settle();
    this.socket.destroy();
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#timer.cancel();
    this.#parts.settled(this);
  }
}

function ignore(): void {}
