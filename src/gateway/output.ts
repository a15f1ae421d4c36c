/** Sends messages to nodes: encodes, wraps for forwarders, counts. */
import { ByteWriter } from "../bytes/byte-writer.ts";
import { encodeMessage } from "../mqttsn/encode.ts";
import type { SnMessage } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";
import { ForwardedAddress, writeEncapsulation } from "./forwarder.ts";
import type { LinkState } from "./link-state.ts";
import type { SnNode } from "./sn-node.ts";

const NOBODY = new Uint8Array(0);

export class Output {
  readonly #writer = new ByteWriter(512);

  /** Sends to wherever the node was last heard; to nowhere if it was not heard since the start. */
  send(node: SnNode, message: SnMessage): void {
    const { link, address } = node;
    if (link !== undefined && address !== undefined) this.sendTo(link, address, message);
  }

  /** `radius` is what a forwarder is told, for what it is to broadcast. */
  sendTo(state: LinkState, to: LinkAddress, message: SnMessage, radius = 0): void {
    const { link } = state;
    if (link === undefined) return;
    const writer = this.#writer;
    writer.clear();
    if (to instanceof ForwardedAddress) {
      writeEncapsulation(writer, to.wirelessNodeId, radius);
      encodeMessage(writer, message);
      link.send(to.forwarder, this.#counted(state, to.forwarder));
      return;
    }
    encodeMessage(writer, message);
    link.send(to, this.#counted(state, to));
  }

  /** To everyone within `radius` hops, 0 for all; behind forwarders is `broadcastBehind`. */
  broadcast(state: LinkState, message: SnMessage, radius: number): void {
    const { link } = state;
    if (link === undefined) return;
    this.#writer.clear();
    encodeMessage(this.#writer, message);
    link.broadcast(this.#counted(state, undefined), radius);
  }

  /** To every node behind a forwarder. */
  broadcastBehind(state: LinkState, forwarder: LinkAddress, message: SnMessage): void {
    const { link } = state;
    if (link === undefined) return;
    const writer = this.#writer;
    writer.clear();
    writeEncapsulation(writer, NOBODY, 0);
    encodeMessage(writer, message);
    link.send(forwarder, this.#counted(state, forwarder));
  }

  #counted({ counters, tap }: LinkState, to: LinkAddress | undefined): Uint8Array {
    const frame = this.#writer.view();
    tap?.("out", to, frame);
    counters.framesOut++;
    counters.bytesOut += frame.length;
    return frame;
  }
}

/** The longest MQTT-SN message that reaches the node, octets. */
export function maximumFrame(node: SnNode): number {
  const maximum = node.link?.link?.maximumFrame ?? 0;
  const { address } = node;
  return address instanceof ForwardedAddress ? maximum - address.overhead : maximum;
}

/**
 * The length of a message whose header is of two octets and whose variable part has `count`
 * (§5.2.1).
 */
export function frameLength(count: number): number {
  return count + 2 < 256 ? count + 2 : count + 4;
}
