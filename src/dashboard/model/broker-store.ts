/** The few figures, the bridges and the state of the store that the page takes from `$SYS/broker/`. */
import { type Bridge, BridgeTopics } from "./bridge-topics.ts";
import { type StoreStatus, StoreTopics } from "./store-status.ts";

/** A number that only grows, and how fast. */
export interface Counter {
  readonly count: number;
  /** Per second in the last interval of reports; undefined before there was a whole one. */
  readonly rate: number | undefined;
  /** Since when `count` is known to have been so, ms by the clock of `receive`. */
  readonly liveAt: number | undefined;
}

export interface BrokerFigures {
  readonly version?: string;
  /** When the broker started, ms by the clock of `receive`; negative for before that clock's zero. */
  readonly startedAt?: number;
  readonly clients?: number;
  readonly messagesIn?: Counter;
  readonly messagesOut?: Counter;
}

const LONGEST_TEXT = 1024;
const STORE = "store/";

export class BrokerStore {
  #figures: BrokerFigures = {};
  readonly #bridges = new BridgeTopics();
  readonly #store = new StoreTopics();
  /** When the last live reports began: uptime comes first, and what did not change is left out. */
  #reportAt: number | undefined;

  get figures(): BrokerFigures {
    return this.#figures;
  }

  /**
   * Takes in what was published on `$SYS/broker/` plus `name`; `stored` when it came out of the
   * retained store. Answers whether it is shown anywhere.
   */
  receive(name: string, payload: Uint8Array, stored: boolean, now: number): boolean {
    const value = new TextDecoder().decode(payload.subarray(0, LONGEST_TEXT));
    if (this.#bridges.receive(name, value)) return true;
    if (name.startsWith(STORE)) return this.#store.receive(name.slice(STORE.length), value);
    const number = leadingNumber(value);
    const figures = this.#figures;
    switch (name) {
      case "version":
        this.#figures = { ...figures, version: value };
        return true;
      case "uptime":
        if (number === undefined) return true;
        this.#figures = { ...figures, startedAt: now - number * 1000 };
        if (!stored) this.#beginReport(now);
        return true;
      case "clients/connected":
        if (number !== undefined) this.#figures = { ...figures, clients: number };
        return true;
      case "publish/messages/received":
        this.#figures = { ...figures, ...counted("messagesIn", figures, number, stored, now) };
        return true;
      case "publish/messages/sent":
        this.#figures = { ...figures, ...counted("messagesOut", figures, number, stored, now) };
        return true;
      default:
        return false;
    }
  }

  bridges(): readonly Bridge[] {
    return this.#bridges.list();
  }

  /** Undefined while nothing is known of it. */
  get store(): StoreStatus | undefined {
    return this.#store.status;
  }

  /** A new connection begins: the broker tells everything again. */
  beginRound(): void {
    this.#bridges.beginRound();
    this.#store.beginRound();
  }

  /** The broker has told everything: what it did not mention is gone. */
  endRound(): void {
    this.#bridges.endRound();
    this.#store.endRound();
  }

  #beginReport(now: number): void {
    const before = this.#reportAt;
    this.#reportAt = now;
    if (before === undefined) return;
    const { messagesIn, messagesOut } = this.#figures;
    this.#figures = {
      ...this.#figures,
      ...(messagesIn && { messagesIn: unchanged(messagesIn, before) }),
      ...(messagesOut && { messagesOut: unchanged(messagesOut, before) }),
    };
  }
}

function counted(
  field: "messagesIn" | "messagesOut",
  figures: BrokerFigures,
  count: number | undefined,
  stored: boolean,
  now: number,
): Partial<BrokerFigures> {
  if (count === undefined) return {};
  const before = figures[field];
  // A stored figure was reported at an unknown time, so no rate can be taken from it.
  const elapsed = stored || before?.liveAt === undefined ? 0 : now - before.liveAt;
  const grown = count - (before?.count ?? 0);
  const rate = elapsed > 0 && grown >= 0 ? (grown * 1000) / elapsed : undefined;
  return { [field]: { count, rate, liveAt: stored ? undefined : now } };
}

/** A counter after the reports that began at `reportAt`, which may not have mentioned it. */
function unchanged(counter: Counter, reportAt: number): Counter {
  const mentioned = counter.liveAt !== undefined && counter.liveAt >= reportAt;
  return mentioned ? counter : { count: counter.count, rate: 0, liveAt: reportAt };
}

/** The number at the beginning of a text: Mosquitto's uptime reads "12 seconds". */
function leadingNumber(text: string): number | undefined {
  const digits = /^\d{1,15}/.exec(text)?.[0];
  return digits === undefined ? undefined : Number(digits);
}
