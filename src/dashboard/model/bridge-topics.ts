/** The bridges that the gateway tells of under `$SYS/broker/connection/`. */

export type BridgeState = "up" | "down" | "connecting" | "idle";

export interface Bridge {
  readonly name: string;
  readonly state: BridgeState;
  /** Messages that wait for the other broker or are on their way to it. */
  readonly queued: number;
  /** Messages for the other broker that were given up. */
  readonly dropped: number;
  /** The address in use, or "". */
  readonly address: string;
  /** Why there is no connection, or "". */
  readonly failure: string;
}

const MOST_BRIDGES = 100;
const TOPIC =
  /^connection\/(.{1,256}?)\/(state|status|address|failure|messages\/(?:queued|dropped)|queue\/dropped\/(?:full|age))$/;
/** What the other broker could not be sent, and what could not wait for it. */
const DROPS = ["messages/dropped", "queue/dropped/full", "queue/dropped/age"];
/** What `failure` reads when there is none. */
const NO_FAILURE = "none";

interface Entry {
  /** What was told, by the last levels of the topic. */
  readonly texts: Map<string, string>;
  /** Which connection of the page told it. */
  round: number;
}

export class BridgeTopics {
  readonly #bridges = new Map<string, Entry>();
  #round = 0;

  /** Takes in what was published on `$SYS/broker/` plus `name`. Answers whether it is about a bridge. */
  receive(name: string, text: string): boolean {
    const [, bridge, about] = TOPIC.exec(name) ?? [];
    if (bridge === undefined || about === undefined) return false;
    const entry = this.#bridges.get(bridge);
    if (text === "") {
      entry?.texts.delete(about);
      if (entry?.texts.size === 0) this.#bridges.delete(bridge);
    } else if (entry !== undefined) {
      // What an earlier connection told may have been taken back meanwhile.
      if (entry.round !== this.#round) entry.texts.clear();
      entry.texts.set(about, text);
      entry.round = this.#round;
    } else if (this.#bridges.size < MOST_BRIDGES) {
      this.#bridges.set(bridge, { texts: new Map([[about, text]]), round: this.#round });
    }
    return true;
  }

  /** Sorted by name. */
  list(): readonly Bridge[] {
    return [...this.#bridges]
      .map(([name, { texts }]) => read(name, texts))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A new connection begins: the broker tells of every bridge again. */
  beginRound(): void {
    this.#round++;
  }

  /** The broker has told of every bridge: the others are gone. */
  endRound(): void {
    for (const [name, { round }] of this.#bridges)
      if (round !== this.#round) this.#bridges.delete(name);
  }
}

function read(name: string, texts: ReadonlyMap<string, string>): Bridge {
  const failure = texts.get("failure") ?? "";
  return {
    name,
    state: stateOf(texts),
    queued: count(texts.get("messages/queued")),
    dropped: DROPS.reduce((sum, about) => sum + count(texts.get(about)), 0),
    address: texts.get("address") ?? "",
    failure: failure === NO_FAILURE ? "" : failure,
  };
}

/** `state` is told at once, and also by brokers that tell nothing else; `status` says more, and later. */
function stateOf(texts: ReadonlyMap<string, string>): BridgeState {
  const state = texts.get("state");
  const status = texts.get("status");
  if (state === "1" || (state === undefined && status === "connected")) return "up";
  if (status === "idle" || status === "connecting") return status;
  return "down";
}

function count(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
