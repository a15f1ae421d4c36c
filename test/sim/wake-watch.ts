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
const PATIENCE = 2000 * 5;

interface Nap {
  readonly clientId: string;
  lastHeard: number;
  state: "awake" | "asleep";
}

export class WakeWatch implements RadioEar {
  /** What was wrong, in words. */
  readonly faults: string[] = [];
  readonly #watched: Watched;
  /** Nodes that woke, or fell asleep again after that, by address. */
  readonly #naps = new Map<string, Nap>();

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  heard(address: string, frame: Uint8Array): void {
    const message = decodeMessage(frame);
    const now = this.#watched.now();
    if (message.kind === "pingreq" && message.clientId !== undefined) {
      const { clientId } = message;
      this.#naps.set(address, { clientId, lastHeard: now, state: "awake" });
      return;
    }
    const nap = this.#naps.get(address);
    if (nap === undefined) return;
    // It is on, or leaves, or comes up with something of its own: whatever it gets, it asked for it.
    if (nap.state === "asleep" || message.kind === "connect" || message.kind === "disconnect") {
      this.#naps.delete(address);
    }
    nap.lastHeard = now;
  }

  sent(address: string, frame: Uint8Array): void {
    const nap = this.#naps.get(address);
    if (nap === undefined) return;
    const { kind } = decodeMessage(frame);
    if (nap.state === "asleep" && (kind === "publish" || kind === "register")) {
      this.#tell(nap, `${kind.toUpperCase()} after PINGRESP`);
    }
    if (kind !== "pingresp" || nap.state === "asleep") return;
    nap.state = "asleep";
    const backlog = this.#watched.backlogOf(nap.clientId);
    const silent = this.#watched.now() - nap.lastHeard >= PATIENCE;
    if (backlog > 0 && !silent) this.#tell(nap, `PINGRESP with ${backlog} messages left`);
  }

  /** The gateway begins anew, and may have forgotten that nodes woke. */
  restarted(): void {
    this.#naps.clear();
  }

  #tell({ clientId }: Nap, what: string): void {
    this.faults.push(`${clientId} got ${what} at ${Math.round(this.#watched.now())} ms`);
  }
}
