/** What all connections of a load count together, and the clock they share. */
import { LatencyHistogram } from "./latency-histogram.ts";
import type { Login } from "./logins.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";

/** µs since the process began, modulo 2^32. */
export function microseconds(): number {
  return (performance.now() * 1000) >>> 0;
}

export class Traffic {
  published = 0;
  /** PUBACKs to publishers. */
  acknowledged = 0;
  delivered = 0;
  /** From the turn in which a message was published to the read that brought it, µs. */
  readonly latency = new LatencyHistogram();
  readonly #firstLoss = Promise.withResolvers<void>();
  #lost = 0;

  /** Messages that never came although a later one of the same publisher did. */
  get lost(): number {
    return this.#lost;
  }

  /** Resolves when a message is known to be lost. */
  get firstLoss(): Promise<void> {
    return this.#firstLoss.promise;
  }

  lose(count: number): void {
    this.#lost += count;
    this.#firstLoss.resolve();
  }
}

/** What every client of a load is given. */
export interface ClientOptions {
  readonly port: number;
  readonly protocol: MqttProtocol;
  readonly qos: 0 | 1;
  readonly clientId: string;
  /** Undefined: without a user name. */
  readonly login: Login | undefined;
  /** Topic aliases are used, both ways; with 5.0 only. */
  readonly topicAlias: boolean;
  readonly traffic: Traffic;
  /** Something came: the load goes on when this turn of the event loop ends. */
  readonly wake: () => void;
  /** The connection is lost, or the broker refused something. */
  readonly fail: (cause: string) => void;
  /** The client is connected, and subscribed if it subscribes. */
  readonly ready: () => void;
}
