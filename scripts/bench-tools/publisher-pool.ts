/** Publishers of QoS 1, each of which publishes the next message when it has an earlier one's PUBACK. */
import { UNACKNOWLEDGED } from "./cases.ts";
import { LoadPublisher } from "./load-publisher.ts";
import { PUBLISHER } from "./logins.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";
import { microseconds, type Traffic } from "./traffic.ts";
import { inTurns } from "./waiting.ts";

const CONNECTING = 50;

/** What one who is to hear all of them subscribes to. */
export const POOL_FILTER = "bench/in/#";

export interface PublisherPoolOptions {
  readonly publishers: number;
  readonly port: number;
  readonly protocol: MqttProtocol;
  /** Octets of payload. */
  readonly payload: number;
  readonly logins: boolean;
  readonly traffic: Traffic;
  /** How many messages may be published now, by all together. */
  readonly room: () => number;
  readonly fail: (cause: string) => void;
}

export class PublisherPool {
  readonly #options: PublisherPoolOptions;
  readonly #publishers: LoadPublisher[] = [];
  #publishing = false;
  #scheduled = false;

  constructor(options: PublisherPoolOptions) {
    this.#options = options;
  }

  async connect(): Promise<void> {
    const { publishers, port, protocol, payload, logins, traffic, fail } = this.#options;
    await inTurns(publishers, CONNECTING, (number) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#publishers[number] = new LoadPublisher({
        port,
        protocol,
        qos: 1,
        payload,
        number,
        topics: [`bench/in/${number}/value`],
        clientId: `bench-publisher-${number}`,
        login: logins ? PUBLISHER : undefined,
        topicAlias: false,
        traffic,
        wake: () => this.wake(),
        fail,
        ready: resolve,
      });
      return promise;
    });
  }

  start(): void {
    this.#publishing = true;
    this.wake();
  }

  /** Publishes no more. */
  stop(): void {
    this.#publishing = false;
  }

  close(): void {
    for (const publisher of this.#publishers) publisher.leave();
  }

  /** PUBACKs that are still to come. */
  get unacknowledged(): number {
    return this.#publishers.reduce((sum, { unacknowledged }) => sum + unacknowledged, 0);
  }

  /** There may be room again: goes on when this turn of the event loop ends. */
  wake(): void {
    if (this.#scheduled || !this.#publishing) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#publish();
    });
  }

  #publish(): void {
    const now = microseconds();
    let room = this.#publishing ? this.#options.room() : 0;
    for (const publisher of this.#publishers) {
      while (room > 0 && publisher.unacknowledged < UNACKNOWLEDGED) {
        publisher.publish(now);
        room--;
      }
      publisher.channel.flush();
    }
  }
}
