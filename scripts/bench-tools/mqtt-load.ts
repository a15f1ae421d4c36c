/**
 * A closed loop of MQTT publishers and subscribers: each publisher has a bounded number of messages on
 * their way, and publishes the next when earlier ones were delivered.
 */
import { type LoadCase, UNACKNOWLEDGED } from "./cases.ts";
import { LoadPublisher } from "./load-publisher.ts";
import { LoadSubscriber } from "./load-subscriber.ts";
import { PUBLISHER, SUBSCRIBER } from "./logins.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";
import { microseconds, Traffic } from "./traffic.ts";
import { inTurns } from "./waiting.ts";

/** Connections that are being made at a time. */
const CONNECTING = 50;

export interface MqttLoadOptions {
  readonly port: number;
  readonly protocol: MqttProtocol;
  readonly qos: 0 | 1;
  /** Octets of payload. */
  readonly payload: number;
  /** Subscribers have sessions that are not clean. */
  readonly persistent: boolean;
  /** Clients say who they are. */
  readonly logins: boolean;
  /** With 5.0 only. */
  readonly topicAlias: boolean;
}

export class MqttLoad {
  readonly traffic = new Traffic();
  readonly #case: LoadCase;
  readonly #options: MqttLoadOptions;
  readonly #fail: (cause: string) => void;
  readonly #publishers: LoadPublisher[] = [];
  readonly #subscribers: LoadSubscriber[] = [];
  /** Those that something came to in this turn, by their index; some of them twice. */
  readonly #wokenSubscribers: number[] = [];
  /** Those that something of theirs came for. */
  readonly #wokenPublishers = new Set<number>();
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
    const { publishers, subscribers, heard, topics, filters } = this.#case;
    const { logins, payload, persistent } = this.#options;
    const paired = heard === 1 && publishers > 1;
    await inTurns(subscribers, CONNECTING, (index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#subscribers[index] = new LoadSubscriber({
        ...this.#common(resolve),
        wake: () => {
          this.#wokenSubscribers.push(index);
          this.#wake();
        },
        clientId: `bench-subscriber-${index}`,
        login: logins ? SUBSCRIBER : undefined,
        persistent,
        filters: filters(index),
        heard,
        delivered: (number) => this.#wokenPublishers.add(paired ? index : number),
      });
      return promise;
    });
    await inTurns(publishers, CONNECTING, (index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#publishers[index] = new LoadPublisher({
        ...this.#common(resolve),
        wake: () => {
          this.#wokenPublishers.add(index);
          this.#wake();
        },
        clientId: `bench-publisher-${index}`,
        login: logins ? PUBLISHER : undefined,
        topics: topics(index),
        payload,
        // Where a subscriber hears one publisher only, it has one row of numbers to follow.
        number: heard === 1 ? 0 : index,
      });
      return promise;
    });
  }

  #common(ready: () => void) {
    const { port, protocol, qos, topicAlias } = this.#options;
    return { port, protocol, qos, topicAlias, traffic: this.traffic, fail: this.#fail, ready };
  }

  start(): void {
    this.#publishing = true;
    for (const index of this.#publishers.keys()) this.#wokenPublishers.add(index);
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
    for (const index of this.#wokenSubscribers) this.#subscribers[index]?.channel.flush();
    this.#wokenSubscribers.length = 0;
    if (this.#publishing) {
      const now = microseconds();
      for (const index of this.#wokenPublishers) this.#publish(index, now);
    }
    this.#wokenPublishers.clear();
  };

  /** Fills the publisher's window. */
  #publish(index: number, now: number): void {
    const { each } = this.#case;
    const publisher = this.#publishers[index] as LoadPublisher;
    const most = Math.min(each, UNACKNOWLEDGED);
    let room = each - (publisher.published - this.#settled(index));
    while (room > 0 && publisher.unacknowledged < most) {
      publisher.publish(now);
      room--;
    }
    publisher.channel.flush();
  }

  /** Messages of a publisher that all who hear it have, or never will. */
  #settled(index: number): number {
    const { heard, publishers } = this.#case;
    const subscribers = this.#subscribers;
    if (heard > 1) return (subscribers[0] as LoadSubscriber).settled(index);
    if (publishers > 1) return (subscribers[index] as LoadSubscriber).settled(0);
    // By the slowest, or its queue would grow while the others fetch its share of the window.
    let slowest = Number.POSITIVE_INFINITY;
    for (const subscriber of subscribers) slowest = Math.min(slowest, subscriber.settled(0));
    return slowest;
  }
}
