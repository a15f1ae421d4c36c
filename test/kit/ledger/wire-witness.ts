/** What went over a bridge's connections, to tell whose fault it is if something is not as it must be. */
import type { Packet } from "../../../src/mqtt/packets.ts";
import { Receipts } from "./receipts.ts";
import { Republished } from "./republished.ts";
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
  readonly #republished = new Republished();

  saw(way: Way, packet: Packet): void {
    if (packet.kind === "publish") {
      const { topic, payload, qos, packetId } = packet;
      this.#messages[way].add(topic, payload);
      const name = `${topic} ${numberOf(payload)}`;
      if (way === "down" && qos === 2) this.#republished.published(packetId, name);
    } else if (packet.kind === "pubrel" && way === "down") {
      this.#republished.released(packet.packetId);
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
      return numbers.every((number) => this.#republished.has(`${topic} ${number}`));
    }
    if (kind !== "order") return false;
    if (goesUp) return outOfOrder(this.#messages.up.of(topic)).length === 0;
    const sent = this.#messages.down.of(topic);
    return numbers.every((number) => {
      const last = sent.lastIndexOf(number);
      return sent.slice(0, last).some((before) => before > number);
    });
  }
}
