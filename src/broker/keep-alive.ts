/**
 * Watches one client's keep alive [MQTT-3.1.2-22]: it is met by whole control packets, not by bytes.
 *
 * A packet may be so long, and the link so slow, that it takes longer than the client may be silent.
 * So the time is extended while such a packet makes progress, as long as each further span of one and
 * a half times the keep alive brings a part of it that is worth speaking of, and so many times at most.
 */
import type { Scheduler, Timer } from "../time/scheduler.ts";

/** The connection that is watched. */
export interface Watched {
  /** Bytes that are here of a packet that is not yet whole. */
  readonly pendingBytes: number;
  /** The client has been silent for too long. */
  silent(): void;
}

/** What a span must bring of a packet under way, bytes; Mosquitto draws a similar line. */
const PROGRESS = 1024;
const MOST_EXTENSIONS = 64;

export class KeepAlive {
  /** When the last whole packet came, monotonic ms; set by whoever takes them in. */
  heardAt: number;
  readonly #scheduler: Scheduler;
  readonly #watched: Watched;
  /** How long a client may be silent, ms. */
  readonly #patience: number;
  #timer: Timer | undefined;
  /** `heardAt` when the present extensions began. */
  #extendedFrom: number;
  #extensions = 0;
  /** Bytes of the packet under way when the present span began. */
  #before = 0;

  /** `keepAlive` is in seconds, above 0. */
  constructor(scheduler: Scheduler, watched: Watched, keepAlive: number, now: number) {
    this.#scheduler = scheduler;
    this.#watched = watched;
    this.#patience = keepAlive * 1500;
    this.heardAt = now;
    this.#extendedFrom = now;
  }

  start(): void {
    this.#watch(this.heardAt + this.#patience);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #watch(deadline: number): void {
    this.#timer = this.#scheduler.at(deadline, () => this.#look(deadline));
  }

  #look(deadline: number): void {
    if (this.heardAt > this.#extendedFrom) {
      this.#extendedFrom = this.heardAt;
      this.#extensions = 0;
      this.#before = 0;
      this.#watch(this.heardAt + this.#patience);
      return;
    }
    const now = this.#watched.pendingBytes;
    if (now - this.#before < PROGRESS || this.#extensions === MOST_EXTENSIONS) {
      this.#watched.silent();
      return;
    }
    this.#before = now;
    this.#extensions++;
    this.#watch(deadline + this.#patience);
  }
}
