/**
 * What nodes have subscribed to at the upstream broker, kept over restarts so that it can be asked for
 * again where that broker has lost it. Records: `u/n/CLIENT` where the upstream broker keeps a session
 * for good, `u/s/CLIENT\0FILTER` for a subscription; NUL separates because no MQTT string holds it.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { Journal, StoredRecord } from "../seams/journal.ts";

const SESSION = "u/n/";
const SUBSCRIPTION = "u/s/";
const VERSION = 1;

/** Whether a record of the journal is one of these. */
export function isUpstreamKey(key: string): boolean {
  return key.startsWith(SESSION) || key.startsWith(SUBSCRIPTION);
}

const NONE: ReadonlyMap<string, QoS> = new Map();

export class KnownSubscriptions {
  readonly #journal: Journal;
  readonly #filters = new Map<string, Map<string, QoS>>();
  /** Whose sessions the upstream broker keeps for good. */
  readonly #kept = new Set<string>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Takes records back; answers how many were damaged. */
  restore(records: Iterable<StoredRecord>): number {
    let damaged = 0;
    for (const { key, value } of records) {
      const [version, qos = 3] = value;
      const separator = key.indexOf("\0");
      if (version !== VERSION) {
        damaged++;
      } else if (key.startsWith(SESSION)) {
        this.#kept.add(key.slice(SESSION.length));
      } else if (separator < 0 || qos > 2) {
        damaged++;
      } else {
        const clientId = key.slice(SUBSCRIPTION.length, separator);
        this.#of(clientId).set(key.slice(separator + 1), qos as QoS);
      }
    }
    return damaged;
  }

  of(clientId: string): ReadonlyMap<string, QoS> {
    return this.#filters.get(clientId) ?? NONE;
  }

  isKept(clientId: string): boolean {
    return this.#kept.has(clientId);
  }

  /** The upstream broker keeps the session for good. */
  keep(clientId: string): void {
    if (this.#kept.has(clientId)) return;
    this.#kept.add(clientId);
    this.#journal.put(SESSION + clientId, Uint8Array.of(VERSION));
  }

  add(clientId: string, filter: string, qos: QoS): void {
    const filters = this.#of(clientId);
    if (filters.get(filter) === qos) return;
    filters.set(filter, qos);
    this.#journal.put(`${SUBSCRIPTION}${clientId}\0${filter}`, Uint8Array.of(VERSION, qos));
  }

  /** False if there was none. */
  remove(clientId: string, filter: string): boolean {
    const filters = this.#filters.get(clientId);
    if (filters === undefined || !filters.delete(filter)) return false;
    if (filters.size === 0) this.#filters.delete(clientId);
    this.#journal.delete(`${SUBSCRIPTION}${clientId}\0${filter}`);
    return true;
  }

  /** Forgets all of a client. */
  forget(clientId: string): void {
    for (const filter of this.of(clientId).keys()) {
      this.#journal.delete(`${SUBSCRIPTION}${clientId}\0${filter}`);
    }
    this.#filters.delete(clientId);
    if (this.#kept.delete(clientId)) this.#journal.delete(SESSION + clientId);
  }

  #of(clientId: string): Map<string, QoS> {
    let filters = this.#filters.get(clientId);
    if (filters === undefined) {
      filters = new Map();
      this.#filters.set(clientId, filters);
    }
    return filters;
  }
}
