/**
 * A closed loop of MQTT publishers and subscribers: a message is published when the window has room,
 * which is when earlier ones were delivered.
 */
import { type LoadCase, UNACKNOWLEDGED } from "./cases.ts";
import { LoadPublisher } from "./load-publisher.ts";
import { LoadSubscriber } from "./load-subscriber.ts";
import { microseconds, Traffic } from "./traffic.ts";
import { inTurns } from "./waiting.ts";

/** A connection that has so much unsent gets no further messages for now, bytes. */
const MOST_BACKLOG = 262_144;
/** Connections that are being made at a time. */
const CONNECTING = 50;

export interface MqttLoadOptions {
  readonly port: number;
  readonly qos: 0 | 1;
  /** Octets of payload. */
  readonly payload: number;
  /** Subscribers have sessions that are not clean. */
  readonly persistent: boolean;
}

export class MqttLoad {
  readonly traffic = new Traffic();
  readonly #case: LoadCase;
  readonly #options: MqttLoadOptions;
  readonly #fail: (cause: string) => void;
  readonly #publishers: LoadPublisher[] = [];
  readonly #subscribers: LoadSubscriber[] = [];
  #next = 0;
  #publishing = false;
  #scheduled = false;

  /** `fail` is called when a connection is lost or refused, and is to end the run. */
  constructor(loadCase: LoadCase, options: MqttLoadOptions, fail: (cause: string) => void) {
    this.#case = loadCase;
    this.#options = options;
    this.#fail = fail;
  }

  /** Connects and subscribes everyone, a few at a time. */
  async connect(): Promise<void> {
    const { publishers, subscribers, heard, topic, filter } = this.#case;
    await inTurns(subscribers, CONNECTING, (index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#subscribers.push(
        new LoadSubscriber({
          ...this.#common(resolve),
          clientId: `bench-subscriber-${index}`,
          persistent: this.#options.persistent,
          filter: filter(index),
          heard,
        }),
      );
      return promise;
    });
    await inTurns(publishers, CONNECTING, (index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#publishers.push(
        new LoadPublisher({
          ...this.#common(resolve),
          clientId: `bench-publisher-${index}`,
          topic: topic(index),
          payload: this.#options.payload,
          // Where a subscriber hears one publisher only, it has one row of numbers to follow.
          number: heard === 1 ? 0 : index,
        }),
      );
      return promise;
    });
  }

  #common(ready: () => void) {
    const { port, qos } = this.#options;
    const wake = (): void => this.#wake();
    return { port, qos, traffic: this.traffic, wake, fail: this.#fail, ready };
  }

  start(): void {
    this.#publishing = true;
    this.#wake();
  }

  /** Publishes no more; what is on its way still arrives. */
  stop(): void {
    this.#publishing = false;
  }

  close(): void {
    for (const client of [...this.#publishers, ...this.#subscribers]) client.leave();
  }

  /** Deliveries due for what was published so far. */
  get expected(): number {
    return this.traffic.published * this.#case.copies;
  }

  /** Deliveries that may still come. */
  get outstanding(): number {
    return this.expected - this.traffic.delivered - this.traffic.lost;
  }

  /** PUBACKs that are still to come. */
  get unacknowledged(): number {
    return this.#options.qos === 0 ? 0 : this.traffic.published - this.traffic.acknowledged;
  }

  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // The check phase follows the poll phase, so whatever all sockets brought is answered at once.
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    // Acknowledgements first: a message that was delivered is to be off the broker's hands before
    // the next one takes its place in the window.
    for (const { channel } of this.#subscribers) channel.flush();
    if (this.#publishing) this.#publish();
    for (const { channel } of this.#publishers) channel.flush();
  };

  /** Messages that somebody is still to get. */
  #unfinished(): number {
    if (this.#case.copies === 1) return this.outstanding;
    // By the slowest, or its queue would grow while the others fetch its share of the window.
    let slowest = Number.POSITIVE_INFINITY;
    for (const { settled } of this.#subscribers) slowest = Math.min(slowest, settled);
    return this.traffic.published - slowest;
  }

  /** Fills the window, one message of each publisher after the other. */
  #publish(): void {
    const publishers = this.#publishers;
    const now = microseconds();
    let room = this.#case.window[this.#options.qos] - this.#unfinished();
    let unable = 0;
    while (room > 0 && unable < publishers.length) {
      const publisher = publishers[this.#next] as LoadPublisher;
      this.#next = (this.#next + 1) % publishers.length;
      if (publisher.unacknowledged >= UNACKNOWLEDGED || publisher.channel.backlog > MOST_BACKLOG) {
        unable++;
        continue;
      }
      publisher.publish(now);
      unable = 0;
      room--;
    }
  }
}
