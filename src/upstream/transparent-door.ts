/** The door to another broker at which every node is a client of its own: the transparent mode. */
import { Reason } from "../mqtt/reason-codes.ts";
import type { Door, Entry, Opening, Peer } from "../seams/door.ts";
import type { Journal, StoredRecord } from "../seams/journal.ts";
import { DialGate } from "./dial-gate.ts";
import { endSession } from "./end-session.ts";
import { KnownSubscriptions } from "./known-subscriptions.ts";
import type { UpstreamParts } from "./options.ts";
import { Reachability } from "./reachability.ts";
import { TransparentClient } from "./transparent-client.ts";

export interface TransparentDoorParts extends UpstreamParts {
  readonly journal: Journal;
  /** Where reports on nodes go. */
  readonly announce: Door["announce"];
}

export class TransparentDoor implements Door {
  readonly #parts: TransparentDoorParts;
  readonly #known: KnownSubscriptions;
  readonly #reachability: Reachability;
  readonly #clients = new Map<string, TransparentClient>();
  /** Sessions that are being ended at the upstream broker; to be given up by a call. */
  readonly #endings = new Map<string, () => void>();

  constructor(parts: TransparentDoorParts) {
    const { dialler, options, log, journal } = parts;
    this.#parts = { ...parts, dialler: new DialGate(dialler, options.maxDials) };
    this.#known = new KnownSubscriptions(journal);
    this.#reachability = new Reachability(options.name, log);
  }

  /** Whether the upstream broker can be reached; undefined until a node has tried. */
  get isReachable(): boolean | undefined {
    return this.#reachability.isReachable;
  }

  /** Takes back the records under `u/`; answers how many were damaged. Comes before anyone enters. */
  restore(records: Iterable<StoredRecord>): number {
    return this.#known.restore(records);
  }

  enter(opening: Opening, peer: Peer): Entry {
    const { clientId, cleanStart, persistent, clean } = opening;
    const former = this.#clients.get(clientId);
    former?.leave("normal");
    former?.peer.evicted(Reason.sessionTakenOver);
    this.#endings.get(clientId)?.();
    this.#endings.delete(clientId);
    const sessionPresent = !cleanStart && this.#known.isKept(clientId);
    if (cleanStart) this.#known.forget(clientId);
    if (persistent && clean !== true) this.#known.keep(clientId);
    const client = new TransparentClient({
      ...this.#parts,
      opening,
      peer,
      known: this.#known,
      reachability: this.#reachability,
      gone: (dead) => {
        if (this.#clients.get(clientId) === dead) this.#clients.delete(clientId);
      },
    });
    this.#clients.set(clientId, client);
    client.start();
    return { ok: true, client, sessionPresent };
  }

  forget(clientId: string): void {
    if (this.#clients.has(clientId)) return;
    const kept = this.#known.isKept(clientId);
    this.#known.forget(clientId);
    if (!kept || this.#endings.has(clientId)) return;
    const over = () => this.#endings.delete(clientId);
    this.#endings.set(clientId, endSession(this.#parts, this.#reachability, clientId, over));
  }

  announce(topic: string, payload: Uint8Array, retain: boolean): void {
    this.#parts.announce(topic, payload, retain);
  }

  /** Leaves the upstream broker in order, for those who have not left by themselves. */
  stop(): void {
    for (const client of [...this.#clients.values()]) client.leave("normal");
    for (const giveUp of this.#endings.values()) giveUp();
    this.#endings.clear();
  }
}
