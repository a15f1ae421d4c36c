/**
 * Runs a node's exchanges: one outstanding at a time (MQTT-SN 1.2 §6.5, §6.6, §6.9), repeated on
 * T_RETRY up to N_RETRY times (§6.13), after T_WAIT on congestion, and the others in line behind.
 */
import type { SnMessage } from "../mqttsn/packets.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { Exchange } from "./exchange.ts";
import type { Outcome } from "./outcome.ts";

export interface ExchangeTiming {
  /** T_RETRY, ms. */
  readonly retryInterval: number;
  /** N_RETRY: repetitions after the first sending. */
  readonly retryLimit: number;
  /** T_WAIT, ms. */
  readonly waitInterval: number;
  /** How many exchanges may wait in line. */
  readonly queueLimit: number;
}

export class ExchangeQueue {
  readonly #scheduler: Scheduler;
  readonly #timing: ExchangeTiming;
  readonly #send: (message: SnMessage) => void;
  readonly #exhausted: (exchange: Exchange) => void;
  readonly #line: Exchange[] = [];
  #current: Exchange | undefined;
  #timer: Timer | undefined;
  #pause: Timer | undefined;
  #retries = 0;
  #open = false;
  #pumping = false;

  /** `exhausted` is given an exchange that went unanswered; it is no longer in the queue then. */
  constructor(
    scheduler: Scheduler,
    timing: ExchangeTiming,
    send: (message: SnMessage) => void,
    exhausted: (exchange: Exchange) => void,
  ) {
    this.#scheduler = scheduler;
    this.#timing = timing;
    this.#send = send;
    this.#exhausted = exhausted;
  }

  /** Exchanges under way or in line. */
  get length(): number {
    return this.#line.length + (this.#current === undefined ? 0 : 1);
  }

  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** Puts an exchange in line. */
  add(exchange: Exchange): void {
    if (this.#line.length >= this.#timing.queueLimit) {
      exchange.finish("queueFull");
      return;
    }
    this.#line.push(exchange);
    this.#pump();
  }

  /** Starts `exchange` ahead of the line; what is under way ends as "disconnected". */
  start(exchange: Exchange): void {
    const former = this.#current;
    this.#timer?.cancel();
    this.#current = undefined;
    former?.finish("disconnected");
    this.#current = exchange;
    this.#retries = 0;
    this.#transmit();
  }

  /** Lets the line move from now on, or holds it. */
  setOpen(open: boolean): void {
    this.#open = open;
    if (open) this.#pump();
  }

  /** Holds the line for T_WAIT. */
  pause(): void {
    this.#pause?.cancel();
    this.#pause = this.#scheduler.after(this.#timing.waitInterval, () => {
      this.#pause = undefined;
      this.#pump();
    });
  }

  /** Gives a received message to what is under way; whether it was taken. */
  take(message: SnMessage): boolean {
    const exchange = this.#current;
    if (exchange === undefined) return false;
    const step = exchange.incoming(message);
    if (step === "ignored") return false;
    this.#timer?.cancel();
    this.#retries = 0;
    if (step === "heard") {
      this.#await();
      return false;
    }
    if (step === "send") this.#transmit();
    else if (step === "congested") this.#wait();
    else {
      this.#current = undefined;
      exchange.finish(step.outcome);
      this.#pump();
    }
    return true;
  }

  /**
   * Ends what is under way and in line with `outcome`. With `keepDurable`, durable exchanges stay
   * in line, in order, and `extra` (one that was exhausted) ahead of them.
   */
  clear(outcome: Outcome, keepDurable: boolean, extra?: Exchange): void {
    this.#timer?.cancel();
    this.#pause?.cancel();
    this.#pause = undefined;
    const all = this.#line.splice(0);
    if (this.#current !== undefined) all.unshift(this.#current);
    if (extra !== undefined) all.unshift(extra);
    this.#current = undefined;
    const ended: Exchange[] = [];
    for (const exchange of all) {
      if (keepDurable && exchange.durable) this.#line.push(exchange);
      else ended.push(exchange);
    }
    for (const exchange of ended) exchange.finish(exchange === extra ? "timeout" : outcome);
  }

  // Ending one exchange may add the next from within; the loop keeps that from nesting.
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#open && this.#current === undefined && this.#pause === undefined) {
      const next = this.#line.shift();
      if (next === undefined) break;
      this.start(next);
    }
    this.#pumping = false;
  }

  #transmit(): void {
    const exchange = this.#current;
    if (exchange === undefined) return;
    const message = exchange.outgoing();
    if (exchange.confirmed) {
      this.#await();
      this.#send(message);
      return;
    }
    this.#current = undefined;
    this.#send(message);
    exchange.finish("accepted");
    this.#pump();
  }

  #await(): void {
    this.#timer = this.#scheduler.after(this.#timing.retryInterval, () => this.#retry());
  }

  #wait(): void {
    this.#timer = this.#scheduler.after(this.#timing.waitInterval, () => this.#transmit());
  }

  #retry(): void {
    const exchange = this.#current;
    if (exchange === undefined) return;
    if (this.#retries < this.#timing.retryLimit) {
      this.#retries++;
      this.#transmit();
      return;
    }
    this.#current = undefined;
    this.#exhausted(exchange);
    this.#pump();
  }
}
