/** A transport that loses, doubles, delays and reorders frames both ways, as bad radio does. */
import type { Random } from "../../time/clock.ts";
import type { Scheduler, Timer } from "../../time/scheduler.ts";
import type { SnTransport, SnTransportEnd } from "../sn-transport.ts";
import type { FrameCounts } from "./totals.ts";

/** Shares are from 0 to 1. */
export interface NetworkFaults {
  readonly loss: number;
  readonly duplicate: number;
  /** Of frames that are held back, so that later ones overtake them. */
  readonly reorder: number;
  /** For every frame, ms. */
  readonly delay: number;
}

/** Frames that are held back are so for at most this long, ms; the shortest is a tenth of it. */
const HELD_BACK = 300;

export class BadNetwork implements SnTransport {
  readonly #transport: SnTransport;
  readonly #faults: NetworkFaults;
  readonly #counts: FrameCounts;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #underway = new Set<Timer>();

  constructor(
    transport: SnTransport,
    faults: NetworkFaults,
    counts: FrameCounts,
    scheduler: Scheduler,
    random: Random,
  ) {
    this.#transport = transport;
    this.#faults = faults;
    this.#counts = counts;
    this.#scheduler = scheduler;
    this.#random = random;
  }

  get where(): string {
    return this.#transport.where;
  }

  get maximumFrame(): number {
    return this.#transport.maximumFrame;
  }

  open(end: SnTransportEnd): Promise<void> {
    const receive = (frame: Uint8Array): void => {
      this.#counts.received++;
      this.#carry(frame, (copy) => end.receive(copy));
    };
    return this.#transport.open({
      receive,
      unreachable: () => end.unreachable(),
      ended: (cause) => end.ended(cause),
    });
  }

  send(frame: Uint8Array): void {
    this.#counts.sent++;
    this.#carry(frame, (copy) => this.#transport.send(copy));
  }

  close(): void {
    for (const timer of this.#underway) timer.cancel();
    this.#underway.clear();
    this.#transport.close();
  }

  #carry(frame: Uint8Array, arrive: (frame: Uint8Array) => void): void {
    const { loss, duplicate } = this.#faults;
    const random = this.#random;
    if (loss > 0 && random() < loss) {
      this.#counts.lost++;
      return;
    }
    this.#later(frame, arrive);
    if (duplicate > 0 && random() < duplicate) {
      this.#counts.duplicated++;
      this.#later(frame, arrive);
    }
  }

  #later(frame: Uint8Array, arrive: (frame: Uint8Array) => void): void {
    const { reorder, delay } = this.#faults;
    const held = reorder > 0 && this.#random() < reorder;
    if (held) this.#counts.reordered++;
    const wait = delay + (held ? HELD_BACK * (0.1 + 0.9 * this.#random()) : 0);
    if (wait === 0) {
      arrive(frame);
      return;
    }
    const copy = frame.slice();
    const timer = this.#scheduler.after(wait, () => {
      this.#underway.delete(timer);
      arrive(copy);
    });
    this.#underway.add(timer);
  }
}
