/**
 * Who among those who share a connection is to get the retained messages that a SUBSCRIBE brings: the
 * node that it was sent for, and not those who had the filter before.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { Recipient } from "../seams/directed-door.ts";
import type { Scheduler } from "../time/scheduler.ts";
import { filterMatches } from "../topics/names.ts";

interface Waiter {
  readonly filter: string;
  readonly clientId: string;
  readonly qos: QoS;
  /** Topics of which it has got the retained message. */
  readonly got: Set<string>;
}

/** How long after SUBSCRIBE retained messages are taken for its answer, ms. */
const PATIENCE = 20_000;

export class RetainedWaiters {
  readonly #scheduler: Scheduler;
  readonly #waiters = new Map<string, Waiter>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  add(filter: string, clientId: string, qos: QoS): void {
    const waiter: Waiter = { filter, clientId, qos, got: new Set() };
    const key = keyOf(filter, clientId);
    this.#waiters.set(key, waiter);
    this.#scheduler.after(PATIENCE, () => {
      if (this.#waiters.get(key) === waiter) this.#waiters.delete(key);
    });
  }

  remove(filter: string, clientId: string): void {
    this.#waiters.delete(keyOf(filter, clientId));
  }

  /**
   * Who waits for the retained message of this topic, each once; undefined where nobody waits for any
   * that matches. `filters`: what brought it, where that is known.
   */
  take(topic: string, filters: ReadonlySet<string> | undefined): readonly Recipient[] | undefined {
    let waited = false;
    const found = new Map<string, Recipient>();
    for (const { filter, clientId, qos, got } of this.#waiters.values()) {
      if (filters === undefined ? !filterMatches(filter, topic) : !filters.has(filter)) continue;
      waited = true;
      if (got.has(topic)) continue;
      got.add(topic);
      const before = found.get(clientId);
      if (before === undefined || before.qos < qos) {
        found.set(clientId, { clientId, qos, retain: true });
      }
    }
    return waited ? [...found.values()] : undefined;
  }
}

function keyOf(filter: string, clientId: string): string {
  return `${clientId}\0${filter}`;
}
