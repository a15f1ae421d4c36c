/** A publishing client of the load: stamps and sends prebuilt PUBLISH packets, one topic after the other. */
import { PacketType } from "../../src/mqtt/packets.ts";
import { Channel, type ChannelEvents } from "./channel.ts";
import {
  aliasTemplates,
  connectPacket,
  DISCONNECT_PACKET,
  type PublishTemplate,
  publishTemplate,
} from "./mqtt-packets.ts";
import { writeStamp, writeU16 } from "./stamp.ts";
import type { ClientOptions } from "./traffic.ts";

export interface PublisherOptions extends ClientOptions {
  /** At least one. */
  readonly topics: readonly string[];
  /** Octets of payload. */
  readonly payload: number;
  /** Tells the publisher to its subscribers. */
  readonly number: number;
}

export class LoadPublisher implements ChannelEvents {
  readonly channel: Channel;
  readonly #options: PublisherOptions;
  readonly #templates: readonly PublishTemplate[];
  /** What the first message is, where it differs from those that follow. */
  readonly #first: PublishTemplate | undefined;
  #packetId = 0;
  #sequence = 0;
  #acknowledged = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { topics, protocol, topicAlias } = options;
    const [topic] = topics;
    if (protocol === 5 && topicAlias && topic !== undefined && topics.length === 1) {
      const [first, others] = aliasTemplates(topic, options);
      this.#first = first;
      this.#templates = [others];
    } else {
      this.#templates = topics.map((name) => publishTemplate(name, options));
    }
    this.channel = new Channel(options.port, this);
  }

  get published(): number {
    return this.#sequence;
  }

  /** Messages of QoS 1 that have no PUBACK yet. */
  get unacknowledged(): number {
    return this.#options.qos === 0 ? 0 : this.#sequence - this.#acknowledged;
  }

  /** Appends a message to the output; `now` is the time that its latency counts from. */
  publish(now: number): void {
    const { bytes, packetIdAt, stampAt } = this.#template();
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

  #template(): PublishTemplate {
    const templates = this.#templates;
    if (this.#sequence === 0 && this.#first !== undefined) return this.#first;
    return templates[this.#sequence % templates.length] as PublishTemplate;
  }

  leave(): void {
    this.channel.append(DISCONNECT_PACKET);
    this.channel.flush();
    this.channel.close();
  }

  opened(): void {
    const { protocol, clientId, login } = this.#options;
    this.channel.append(
      connectPacket({ protocol, clientId, login, cleanStart: true, keepAlive: 0, topicAliases: 0 }),
    );
    this.channel.flush();
  }

  reading(): void {
    this.#options.wake();
  }

  failed(cause: string): void {
    this.#options.fail(cause);
  }

  packet(header: number, bytes: Uint8Array, start: number, end: number): void {
    const { fail, ready, traffic } = this.#options;
    const type = header >> 4;
    if (type === PacketType.puback) {
      // 5.0 may add a reason, of which 0x80 and above refuse the message.
      const reason = end - start > 2 ? (bytes[start + 2] as number) : 0;
      if (reason >= 0x80) fail(`the broker answered PUBLISH with reason code ${reason}`);
      this.#acknowledged++;
      traffic.acknowledged++;
    } else if (type === PacketType.connack) {
      const code = bytes[start + 1];
      if (code === 0) ready();
      else fail(`the broker refused a publisher with code ${code}`);
    }
  }
}
