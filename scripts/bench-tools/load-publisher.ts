/** A publishing client of the load: stamps and sends one prebuilt PUBLISH again and again. */
import { PacketType } from "../../src/mqtt/packets.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import {
  connectPacket,
  DISCONNECT_PACKET,
  type PublishTemplate,
  publishTemplate,
} from "./mqtt-packets.ts";
import { writeStamp, writeU16 } from "./stamp.ts";
import type { ClientOptions } from "./traffic.ts";

export interface PublisherOptions extends ClientOptions {
  readonly topic: string;
  /** Octets of payload. */
  readonly payload: number;
  /** Tells the publisher to its subscribers. */
  readonly number: number;
}

export class LoadPublisher implements ChannelEvents {
  readonly channel: Channel;
  readonly #options: PublisherOptions;
  readonly #template: PublishTemplate;
  #packetId = 0;
  #sequence = 0;
  #acknowledged = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#template = publishTemplate(options.topic, options.qos, options.payload);
    this.channel = new Channel(options.port, this);
  }

  /** Messages of QoS 1 that have no PUBACK yet. */
  get unacknowledged(): number {
    return this.#options.qos === 0 ? 0 : this.#sequence - this.#acknowledged;
  }

  /** Appends a message to the output; `now` is the time that its latency counts from. */
  publish(now: number): void {
    const { bytes, packetIdAt, stampAt } = this.#template;
    const { qos, number, traffic } = this.#options;
    const at = this.channel.append(bytes);
    const { output } = this.channel;
    if (qos > 0) {
      this.#packetId = (this.#packetId % 65_535) + 1;
      writeU16(output, at + packetIdAt, this.#packetId);
    }
    writeStamp(output, at + stampAt, now, number, this.#sequence);
    this.#sequence++;
    traffic.published++;
  }

  leave(): void {
    this.channel.append(DISCONNECT_PACKET);
    this.channel.flush();
    this.channel.close();
  }

  opened(): void {
    this.channel.append(connectPacket(this.#options.clientId, true));
    this.channel.flush();
  }

  reading(): void {
    this.#options.wake();
  }

  drained(): void {
    this.#options.wake();
  }

  failed(cause: string): void {
    this.#options.fail(cause);
  }

  packet(header: number, bytes: Uint8Array, start: number): void {
    const type = header >> 4;
    if (type === PacketType.puback) {
      this.#acknowledged++;
      this.#options.traffic.acknowledged++;
    } else if (type === PacketType.connack) {
      const code = bytes[start + 1];
      if (code === 0) this.#options.ready();
      else this.#options.fail(`the broker refused a publisher with return code ${code}`);
    }
  }
}
