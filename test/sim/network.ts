/** Networks in memory on a virtual clock: datagrams that get lost, streams that break. */

import type { Dialler, Dialling, DialTarget } from "../../src/seams/dialler.ts";
import type { Link, LinkAddress, LinkEnd } from "../../src/seams/link.ts";
import type { Wire, WireEnd } from "../../src/seams/wire.ts";
import type { Random } from "../../src/time/clock.ts";
import { MemoryWire } from "../kit/memory-wire.ts";
import type { VirtualClock } from "../kit/virtual-clock.ts";

/** How bad a network is; probabilities from 0 to 1, delays in ms. */
export interface Weather {
  loss: number;
  duplication: number;
  minimumDelay: number;
  /** Above the minimum, evenly spread: more than the gap between two frames reorders them. */
  jitter: number;
}

/** Who listens in on a gateway: what it hears, before it does, and what it sends. */
export interface RadioEar {
  heard(address: string, frame: Uint8Array): void;
  sent(address: string, frame: Uint8Array): void;
}

/** The radio between nodes and a gateway. */
export class LossyRadio {
  readonly weather: Weather;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #nodes = new Map<string, (frame: Uint8Array) => void>();
  /** Listens in at the gateway's antenna, if anyone does. */
  ear: RadioEar | undefined;
  #gateway: { link: Link; end: LinkEnd } | undefined;

  constructor(clock: VirtualClock, random: Random, weather: Weather) {
    this.#clock = clock;
    this.#random = random;
    this.weather = weather;
  }

  /**
   * A link for a gateway's next life; frames under way to an earlier one reach this one. What an
   * earlier one still tries to send goes nowhere.
   */
  openLink(name: string, end: LinkEnd): Link {
    const alive = (): boolean => this.#gateway?.link === link;
    const link: Link = {
      name,
      maximumFrame: 255,
      retryInterval: 2000,
      retryLimit: 4,
      send: (to, frame) => {
        if (!alive()) return;
        this.ear?.sent(to.key, frame);
        this.#carry(frame, (copy) => this.#nodes.get(to.key)?.(copy));
      },
      // As UDP does: nodes are looked for where they were before a restart.
      addressOf: (key) => ({ key }),
      broadcast: (frame) => {
        if (!alive()) return;
        for (const receive of this.#nodes.values()) this.#carry(frame, receive);
      },
    };
    this.#gateway = { link, end };
    return link;
  }

  /** The gateway is off; what reaches it is lost. */
  closeLink(): void {
    this.#gateway = undefined;
  }

  /** Places a node at an address; answers how it sends. */
  place(address: string, receive: (frame: Uint8Array) => void): (frame: Uint8Array) => void {
    this.#nodes.set(address, receive);
    const from: LinkAddress = { key: address };
    return (frame) =>
      this.#carry(frame, (copy) => {
        if (this.#gateway === undefined) return;
        this.ear?.heard(address, copy);
        this.#gateway.end.receive(this.#gateway.link, from, copy);
      });
  }

  remove(address: string): void {
    this.#nodes.delete(address);
  }

  #carry(frame: Uint8Array, arrive: (copy: Uint8Array) => void): void {
    const { loss, duplication, minimumDelay, jitter } = this.weather;
    const copies = this.#random() < loss ? 0 : this.#random() < duplication ? 2 : 1;
    const delay = minimumDelay + this.#random() * jitter;
    for (let n = 0; n < copies; n++) {
      const copy = frame.slice();
      // A copy that came after the answers to the first one could not be told from a new message:
      // MQTT-SN has nothing to tell it by.
      this.#clock.scheduler.after(delay + (n * minimumDelay) / 2, () => arrive(copy));
    }
  }
}

/** Two ends of a stream that keeps order until it breaks. */
class Pipe {
  readonly near: MemoryWire;
  readonly far: MemoryWire;
  readonly #clock: VirtualClock;
  readonly #delay: number;
  #broken = false;

  constructor(clock: VirtualClock, delay: number) {
    this.#clock = clock;
    this.#delay = delay;
    this.near = new MemoryWire("near");
    this.far = new MemoryWire("far");
    this.#join(this.near, this.far);
    this.#join(this.far, this.near);
  }

  /** Both ends learn of it; what was under way is lost. */
  break(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.near.break("connection reset");
    this.far.break("connection reset");
  }

  #join(from: MemoryWire, to: MemoryWire): void {
    let due = false;
    from.onFlush = () => {
      if (due || this.#broken) return;
      due = true;
      // What one moment writes leaves together, as at the end of a turn of the event loop.
      this.#clock.scheduler.after(0, () => {
        due = false;
        const bytes = from.take();
        const { closing } = from;
        this.#clock.scheduler.after(this.#delay, () => {
          if (this.#broken) return;
          if (bytes.length > 0) to.arrive(bytes);
          if (closing) this.break();
        });
      });
    };
  }
}

/** The way from bridges to one listener elsewhere. */
export class Uplink implements Dialler {
  readonly #clock: VirtualClock;
  readonly #delay: number;
  readonly #listen: (wire: Wire) => WireEnd;
  readonly #pipes = new Set<Pipe>();
  /** Whether connecting succeeds. */
  up = true;

  constructor(clock: VirtualClock, delay: number, listen: (wire: Wire) => WireEnd) {
    this.#clock = clock;
    this.#delay = delay;
    this.#listen = listen;
  }

  dial(
    _target: DialTarget,
    accept: (wire: Wire) => WireEnd,
    failed: (cause: string) => void,
  ): Dialling {
    const timer = this.#clock.scheduler.after(this.#delay, () => {
      if (!this.up) {
        failed("network is unreachable");
        return;
      }
      const pipe = new Pipe(this.#clock, this.#delay);
      this.#pipes.add(pipe);
      pipe.far.open(this.#listen(pipe.far));
      pipe.near.open(accept(pipe.near));
    });
    return { cancel: () => timer.cancel() };
  }

  /** Every connection breaks. */
  cut(): void {
    for (const pipe of this.#pipes) pipe.break();
    this.#pipes.clear();
  }
}
