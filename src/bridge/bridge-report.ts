/** A bridge's counters under `$SYS/broker/connection/`, told when they change. */
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { Door } from "../seams/door.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { BridgeCounters } from "./bridge-counters.ts";
import type { BridgeState } from "./bridge-state.ts";

export interface BridgeFacts {
  readonly state: BridgeState;
  readonly counters: BridgeCounters;
  /** Messages that wait for the remote broker or are on their way to it. */
  readonly backlog: number;
  /** The address in use, or the next to be tried. */
  readonly address: string;
  /** Why there is no connection; "" while there is one, or none was tried. */
  readonly failure: string;
}

export interface BridgeReportParts {
  readonly door: Door;
  readonly scheduler: Scheduler;
  /** What the topics begin with, without a slash at the end. */
  readonly prefix: string;
  /** ms; 0 is never. */
  readonly interval: number;
  readonly facts: () => BridgeFacts;
}

const TOPICS: readonly (readonly [string, keyof BridgeCounters])[] = [
  ["messages/sent", "sent"],
  ["messages/received", "received"],
  ["messages/dropped", "dropped"],
  ["messages/refused", "refused"],
  ["messages/looped", "looped"],
  ["queue/dropped/full", "queueDroppedFull"],
  ["queue/dropped/age", "queueDroppedAge"],
  ["queue/refused", "queueRefused"],
  ["connects", "connects"],
  ["failures", "failures"],
];

export class BridgeReport {
  readonly #parts: BridgeReportParts;
  readonly #shown = new Map<string, string>();
  #timer: Timer | undefined;

  constructor(parts: BridgeReportParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#parts.interval > 0) this.#tell();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Takes back all that was told: there is no such bridge any more. */
  clear(): void {
    this.stop();
    for (const topic of this.#shown.keys()) this.#announce(topic, "");
    this.#shown.clear();
  }

  #tell(): void {
    const { scheduler, interval, facts } = this.#parts;
    const { state, counters, backlog, address, failure } = facts();
    for (const [topic, counter] of TOPICS) this.#show(topic, String(counters[counter]));
    this.#show("messages/queued", String(backlog));
    this.#show("status", state);
    this.#show("address", address);
    // An empty retained message would be none.
    this.#show("failure", failure === "" ? "none" : failure);
    this.#timer = scheduler.after(interval, () => this.#tell());
  }

  #show(topic: string, text: string): void {
    if (this.#shown.get(topic) === text) return;
    this.#shown.set(topic, text);
    this.#announce(topic, text);
  }

  #announce(topic: string, text: string): void {
    const { door, prefix } = this.#parts;
    door.announce(`${prefix}/${topic}`, encodeUtf8(text), true);
  }
}
