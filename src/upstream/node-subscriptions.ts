/** What one node asks the upstream broker for, and asks for again where that has forgotten it. */
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import type { Log } from "../seams/log.ts";
import type { KnownSubscriptions } from "./known-subscriptions.ts";

interface Ask {
  readonly filter: string;
  readonly qos: QoS;
  /** Undefined where nobody waits: it was granted once already. */
  readonly answer: ((outcome: ReasonCode) => void) | undefined;
}

/** Asked for while a connection is being made. */
const MOST_HELD = 32;
/** Filters in one SUBSCRIBE. */
const AT_ONCE = 50;

export class NodeSubscriptions {
  readonly #clientId: string;
  readonly #known: KnownSubscriptions;
  readonly #log: Log;
  /** What the upstream broker is to answer, by packet identifier; nothing for an UNSUBSCRIBE. */
  readonly #asked = new Map<number, readonly Ask[]>();
  #held: Ask[] = [];
  /** Unsubscribed from while there was no connection. */
  readonly #left = new Set<string>();
  #client: MqttClient | undefined;

  constructor(clientId: string, known: KnownSubscriptions, log: Log) {
    this.#clientId = clientId;
    this.#known = known;
    this.#log = log;
  }

  /** A packet identifier that an answer is awaited under. */
  isTaken(packetId: number): boolean {
    return this.#asked.has(packetId);
  }

  /** `waits`: a connection is being made, so that the question may wait for it. */
  ask(filter: string, qos: QoS, waits: boolean, answer: (outcome: ReasonCode) => void): void {
    const ask = { filter, qos, answer };
    this.#left.delete(filter);
    if (this.#client !== undefined) this.#send(this.#client, [ask]);
    else if (waits && this.#held.length < MOST_HELD) this.#held.push(ask);
    else answer(Reason.serverUnavailable);
  }

  /** False if there was no such subscription. */
  remove(filter: string): boolean {
    this.#held = this.#held.filter((ask) => ask.filter !== filter);
    const packetId = this.#client?.unsubscribe([filter]) ?? 0;
    if (packetId > 0) this.#asked.set(packetId, []);
    else this.#left.add(filter);
    return this.#known.remove(this.#clientId, filter);
  }

  subscribed(packetId: number, codes: readonly number[]): void {
    const asks = this.#asked.get(packetId) ?? [];
    this.#asked.delete(packetId);
    for (const [index, ask] of asks.entries()) this.#settle(ask, codes[index] as ReasonCode);
  }

  unsubscribed(packetId: number): void {
    this.#asked.delete(packetId);
  }

  open(client: MqttClient, sessionPresent: boolean): void {
    this.#client = client;
    if (sessionPresent) {
      for (const filter of this.#left) this.remove(filter);
    } else {
      this.#askAgain(client);
    }
    this.#left.clear();
    const held = this.#held;
    this.#held = [];
    for (const ask of held) this.#send(client, [ask]);
  }

  /** The connection is gone. Who waits for an answer goes on to do so only if it is `renewed`. */
  close(renewed: boolean): void {
    this.#client = undefined;
    const waiting = [...this.#held, ...[...this.#asked.values()].flat()];
    this.#asked.clear();
    this.#held = [];
    for (const ask of waiting) {
      if (ask.answer === undefined) continue;
      if (renewed) this.#held.push(ask);
      else ask.answer(Reason.serverUnavailable);
    }
  }

  #askAgain(client: MqttClient): void {
    const asks = Array.from(this.#known.of(this.#clientId), ([filter, qos]) => ({
      filter,
      qos,
      answer: undefined,
    }));
    for (let at = 0; at < asks.length; at += AT_ONCE) {
      this.#send(client, asks.slice(at, at + AT_ONCE));
    }
  }

  #send(client: MqttClient, asks: readonly Ask[]): void {
    const requests = asks.map(({ filter, qos }) => ({ filter, qos }));
    const problem = client.subscribeProblem(requests);
    const packetId = problem === undefined ? client.subscribe(requests) : 0;
    if (packetId > 0) this.#asked.set(packetId, asks);
    else for (const ask of asks) this.#settle(ask, problem ?? Reason.quotaExceeded);
  }

  #settle({ filter, qos, answer }: Ask, outcome: ReasonCode): void {
    const refused = isFailure(outcome);
    if (!refused) this.#known.add(this.#clientId, filter, qos);
    if (answer !== undefined) {
      answer(outcome);
    } else if (refused) {
      this.#known.remove(this.#clientId, filter);
      const [who, what] = [JSON.stringify(this.#clientId), JSON.stringify(filter)];
      this.#log.notice(`upstream refuses ${who} the subscription to ${what}, which it had before`);
    }
  }
}
