/** A subscribing client of the load: times, counts and acknowledges what is delivered to it. */
import { PacketType } from "../../src/mqtt/packets.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import { connectPacket, DISCONNECT_PACKET, subscribePacket } from "./mqtt-packets.ts";
import { readU16, stampPublisher, stampSequence, stampTime } from "./stamp.ts";
import { type ClientOptions, microseconds } from "./traffic.ts";

export interface SubscriberOptions extends ClientOptions {
  readonly filter: string;
  /** The session is not clean. */
  readonly persistent: boolean;
  /** How many publishers it hears, which are numbered from 0. */
  readonly heard: number;
  /** A message of the publisher of this number came. */
  readonly delivered?: ((publisher: number) => void) | undefined;
}

const puback = Uint8Array.from([PacketType.puback << 4, 2, 0, 0]);

export class LoadSubscriber implements ChannelEvents {
  readonly channel: Channel;
  readonly #options: SubscriberOptions;
  /** The next sequence number of each publisher. */
  readonly #expected: Float64Array;
  #now = 0;
  #settled = 0;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#expected = new Float64Array(options.heard);
    this.channel = new Channel(options.port, this);
  }

  /** Messages that came, and those that are known to be lost. */
  get settled(): number {
    return this.#settled;
  }

  leave(): void {
    this.channel.append(DISCONNECT_PACKET);
    this.channel.flush();
    this.channel.close();
  }

  opened(): void {
    this.channel.append(connectPacket(this.#options.clientId, !this.#options.persistent));
    this.channel.flush();
  }

  reading(): void {
    this.#now = microseconds();
    this.#options.wake();
  }

  drained(): void {
    this.#options.wake();
  }

  failed(cause: string): void {
    this.#options.fail(cause);
  }

  packet(header: number, bytes: Uint8Array, start: number, end: number): void {
    const type = header >> 4;
    if (type === PacketType.publish) this.#receive(header, bytes, start);
    else if (type === PacketType.connack) this.#subscribe(bytes[start + 1] as number);
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
    const { traffic, delivered } = this.#options;
    const publisher = stampPublisher(bytes, stamp);
    const sequence = stampSequence(bytes, stamp);
    const expected = this.#expected[publisher] as number;
    traffic.delivered++;
    traffic.latency.record((this.#now - stampTime(bytes, stamp)) >>> 0);
    this.#settled++;
    this.#expected[publisher] = sequence + 1;
    if (sequence !== expected) {
      // Messages of one topic and QoS keep their order [MQTT-4.6.0-6]: those in between are lost, and
      // must not take up the window for good. The sums stay right if they do come late, or twice.
      this.#settled += sequence - expected;
      traffic.lose(sequence - expected);
    }
    delivered?.(publisher);
  }

  #subscribe(code: number): void {
    const { qos, filter, fail } = this.#options;
    if (code !== 0) {
      fail(`the broker refused a subscriber with return code ${code}`);
      return;
    }
    this.channel.append(subscribePacket(filter, qos));
    this.channel.flush();
  }

  #granted(granted: number): void {
    const { qos, filter, fail, ready } = this.#options;
    if (granted === qos) ready();
    else fail(`the broker answered ${granted} to a subscription to ${filter} with QoS ${qos}`);
  }
}
