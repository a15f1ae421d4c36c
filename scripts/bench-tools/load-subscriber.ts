/** A subscribing client of the load: times, counts and acknowledges what is delivered to it. */
import { PacketType } from "../../src/mqtt/packets.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import { connectPacket, DISCONNECT_PACKET, subscribePacket } from "./mqtt-packets.ts";
import { readU16, stampPublisher, stampSequence, stampTime } from "./stamp.ts";
import { type ClientOptions, microseconds } from "./traffic.ts";

export interface SubscriberOptions extends ClientOptions {
  /** At least one. */
  readonly filters: readonly string[];
  /** The session is not clean. */
  readonly persistent: boolean;
  /** How many publishers it hears, which are numbered from 0. */
  readonly heard: number;
  /** A message of the publisher of this number came. */
  readonly delivered?: ((publisher: number) => void) | undefined;
}

/** Filters in one SUBSCRIBE. */
const FILTERS_AT_ONCE = 100;
/** Where topic aliases are used, the broker may use so many. */
const TOPIC_ALIASES = 100;

const puback = Uint8Array.from([PacketType.puback << 4, 2, 0, 0]);

export class LoadSubscriber implements ChannelEvents {
  readonly channel: Channel;
  readonly #options: SubscriberOptions;
  /** The next sequence number of each publisher. */
  readonly #expected: Float64Array;
  /** How many of its filters it has subscribed to. */
  #subscribed = 0;
  #now = 0;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#expected = new Float64Array(options.heard);
    this.channel = new Channel(options.port, this);
  }

  /** Messages of a publisher that came, and those that are known to be lost. */
  settled(publisher: number): number {
    return this.#expected[publisher] as number;
  }

  leave(): void {
    this.channel.append(DISCONNECT_PACKET);
    this.channel.flush();
    this.channel.close();
  }

  opened(): void {
    const { protocol, clientId, login, persistent, topicAlias } = this.#options;
    const cleanStart = !persistent;
    const topicAliases = topicAlias ? TOPIC_ALIASES : 0;
    this.channel.append(
      connectPacket({ protocol, clientId, login, cleanStart, keepAlive: 0, topicAliases }),
    );
    this.channel.flush();
  }

  reading(): void {
    this.#now = microseconds();
    this.#options.wake();
  }

  failed(cause: string): void {
    this.#options.fail(cause);
  }

  packet(header: number, bytes: Uint8Array, start: number, end: number): void {
    const type = header >> 4;
    if (type === PacketType.publish) this.#receive(header, bytes, start);
    else if (type === PacketType.connack) this.#connected(bytes[start + 1] as number);
    else if (type === PacketType.suback) this.#granted(bytes[end - 1] as number);
  }

  #receive(header: number, bytes: Uint8Array, start: number): void {
    let stamp = start + 2 + readU16(bytes, start);
    if ((header & 6) !== 0) {
      puback[2] = bytes[stamp] as number;
      puback[3] = bytes[stamp + 1] as number;
      this.channel.append(puback);
      stamp += 2;
    }
    const { traffic, delivered, protocol } = this.#options;
    // No broker has more to say of these messages than a length of one octet tells.
    if (protocol === 5) stamp += 1 + (bytes[stamp] as number);
    const publisher = stampPublisher(bytes, stamp);
    const sequence = stampSequence(bytes, stamp);
    const expected = this.#expected[publisher] as number;
    traffic.delivered++;
    traffic.latency.record((this.#now - stampTime(bytes, stamp)) >>> 0);
    // Messages of one topic and QoS keep their order [MQTT-4.6.0-6]: those in between are lost, and
    // must not take up the window for good. The sum of them stays right if they do come late, or twice.
    this.#expected[publisher] = sequence + 1;
    if (sequence !== expected) traffic.lose(sequence - expected);
    delivered?.(publisher);
  }

  #connected(code: number): void {
    if (code === 0) this.#subscribe();
    else this.#options.fail(`the broker refused a subscriber with code ${code}`);
  }

  #subscribe(): void {
    const { qos, protocol, filters } = this.#options;
    const next = filters.slice(this.#subscribed, this.#subscribed + FILTERS_AT_ONCE);
    this.#subscribed += next.length;
    this.channel.append(subscribePacket(next, qos, protocol));
    this.channel.flush();
  }

  #granted(granted: number): void {
    const { qos, filters, fail, ready } = this.#options;
    const filter = filters[this.#subscribed - 1];
    if (granted !== qos)
      fail(`the broker answered ${granted} to a subscription to ${filter} with QoS ${qos}`);
    else if (this.#subscribed < filters.length) this.#subscribe();
    else ready();
  }
}
