/**
 * Watches that sleeping nodes are treated as MQTT-SN 1.2 §6.14 has it: PINGRESP comes last, when all
 * that was buffered is delivered, and nothing comes to a node that sleeps.
 */
import { decodeMessage } from "../../src/mqttsn/decode.ts";
import type { RadioEar } from "./network.ts";

/** What the watch must know of the world. */
export interface Watched {
  /** Monotonic ms. */
  now(): number;
  /** Messages that wait for a node, in flight or not. */
  backlogOf(clientId: string): number;
}

/** A node that does not answer for so long is given up until it wakes the next time, ms. */
const PATIENCE = 2000 * 5 - 1;

/** A node that was told that it may sleep, by its address then. */
interface Nap {
  clientId: string;
  lastHeard: number;
  awake: boolean;
  /** The gateway knew who was there. */
  readonly known: boolean;
}

export class WakeWatch implements RadioEar {
  /** What was wrong, in words. */
  readonly faults: string[] = [];
  readonly #watched: Watched;
  readonly #naps = new Map<string, Nap>();
  /** Addresses that asked for leave to sleep and were not answered yet. */
  readonly #asking = new Set<string>();

  /** Addresses from which nodes said who they are, and who. */
  readonly #known = new Map<string, string>();

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  heard(address: string, frame: Uint8Array): void {
    const message = decodeMessage(frame);
    const nap = this.#naps.get(address);
    if ("clientId" in message && message.clientId !== undefined) {
      this.#known.set(address, message.clientId);
    }
    if (message.kind === "disconnect" && message.duration !== undefined) {
      this.#asking.add(address);
    } else if (message.kind === "connect") {
      this.#connected(message.clientId);
      this.#asking.delete(address);
    }
    if (nap === undefined) return;
    nap.lastHeard = this.#watched.now();
    if (message.kind === "pingreq" && message.clientId !== undefined) {
      nap.clientId = message.clientId;
      nap.awake = true;
    } else if (!nap.awake) {
      // It is not as fast asleep as it said.
      this.#naps.delete(address);
    }
  }

  sent(address: string, frame: Uint8Array): void {
    const { kind } = decodeMessage(frame);
    const lastHeard = this.#watched.now();
    if (kind === "disconnect" && this.#asking.delete(address)) {
      this.#naps.set(address, {
        clientId: address,
        lastHeard,
        awake: false,
        known: this.#known.has(address),
      });
      return;
    }
    const nap = this.#naps.get(address);
    if (nap === undefined) return;
    if (!nap.awake) {
      if (kind === "publish" || kind === "register") this.#tell(nap, `${kind} while it sleeps`);
    } else if (kind === "pingresp") {
      nap.awake = false;
      const backlog = this.#watched.backlogOf(nap.clientId);
      const silent = lastHeard - nap.lastHeard >= PATIENCE;
      if (backlog > 0 && !silent) this.#tell(nap, `pingresp with ${backlog} messages left`);
    } else if (kind === "disconnect") {
      this.#naps.delete(address);
    }
  }

  /** It sleeps nowhere any more, wherever it was before. */
  #connected(clientId: string): void {
    for (const [address, who] of this.#known) if (who === clientId) this.#naps.delete(address);
  }

  /** What nodes wished at addresses where the gateway did not know them is forgotten. */
  restarted(): void {
    for (const [address, { known }] of this.#naps) if (!known) this.#naps.delete(address);
  }

  #tell({ clientId }: Nap, what: string): void {
    this.faults.push(`${clientId} got ${what} at ${Math.round(this.#watched.now())} ms`);
  }
}
