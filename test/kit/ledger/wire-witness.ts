/** What went over a bridge's connections, to tell whose fault it is if something is not as it must be. */
import type { Packet } from "../../../src/mqtt/packets.ts";
import { Receipts } from "./receipts.ts";
import { numberOf } from "./stream.ts";
import type { Finding } from "./verdict.ts";
import { outOfOrder } from "./verdict.ts";

/** To the remote broker, and from it. */
export type Way = "up" | "down";

export class WireWitness {
  /** Messages by topic, repetitions included. */
  readonly #messages: Readonly<Record<Way, Receipts>> = {
    up: new Receipts(),
    down: new Receipts(),
  };
  /** What each identifier of the remote broker's stands for. */
  readonly #named = new Map<number, string>();
  /** QoS 2 messages that the remote broker has released, which it is not to publish any more. */
  readonly #released = new Set<string>();
  readonly #publishedAnew = new Set<string>();

  saw(way: Way, packet: Packet): void {
    if (packet.kind === "publish") {
      const { topic, payload, qos, packetId } = packet;
      this.#messages[way].add(topic, payload);
      if (way === "down" && qos === 2) this.#published(packetId, `${topic} ${numberOf(payload)}`);
    } else if (packet.kind === "pubrel" && way === "down") {
      const name = this.#named.get(packet.packetId);
      if (name !== undefined) this.#released.add(name);
    }
  }

  /**
   * Whether it is the remote broker's fault, if that is a Mosquitto 2.0: it hands messages on in another
   * order than it got them, now and then, where many wait; and once it was restarted it publishes QoS 2
   * messages again that it had released.
   */
  isRemotes({ kind, topic, numbers }: Finding): boolean {
    const goesUp = topic.startsWith("up/");
    if (kind === "twice" && !goesUp) {
      return numbers.every((number) => this.#publishedAnew.has(`${topic} ${number}`));
    }
    if (kind !== "order") return false;
    if (goesUp) return outOfOrder(this.#messages.up.of(topic)).length === 0;
    const sent = this.#messages.down.of(topic);
    return numbers.every((number) => {
      const last = sent.lastIndexOf(number);
      return sent.slice(0, last).some((before) => before > number);
    });
  }

  #published(packetId: number, name: string): void {
    this.#named.set(packetId, name);
    if (this.#released.has(name)) this.#publishedAnew.add(name);
  }
}
