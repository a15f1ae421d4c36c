/**
 * Nodes behind a forwarder (MQTT-SN 1.2 §5.5): their address is the forwarder's with the wireless
 * node id, and what goes to them is wrapped again.
 */
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { MsgType } from "../mqttsn/packets.ts";
import type { LinkAddress } from "../seams/link.ts";

const HEADER = 3;

export class ForwardedAddress implements LinkAddress {
  readonly key: string;
  readonly forwarder: LinkAddress;
  readonly wirelessNodeId: Uint8Array;

  constructor(forwarder: LinkAddress, wirelessNodeId: Uint8Array, key: string) {
    this.forwarder = forwarder;
    this.wirelessNodeId = wirelessNodeId.slice();
    this.key = key;
  }

  /** Octets that the encapsulation adds to a message. */
  get overhead(): number {
    return HEADER + this.wirelessNodeId.length;
  }
}

/** The address key of a node behind `forwarder`: the id of any length, in hexadecimal. */
export function forwardedKey(forwarder: LinkAddress, wirelessNodeId: Uint8Array): string {
  let id = "";
  for (const octet of wirelessNodeId) id += octet.toString(16).padStart(2, "0");
  return `${forwarder.key}>${id}`;
}

/** Writes what stands in front of the encapsulated message. Radius is for broadcasts only. */
export function writeEncapsulation(writer: ByteWriter, to: ForwardedAddress): void {
  writer.u8(to.overhead);
  writer.u8(MsgType.encapsulated);
  writer.u8(0);
  writer.raw(to.wirelessNodeId);
}
