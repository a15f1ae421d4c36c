/**
 * Nodes behind a forwarder (MQTT-SN 1.2 §5.5): their address is the forwarder's with the wireless
 * node id, and what goes to them is wrapped again.
 */
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { MsgType } from "../mqttsn/packets.ts";
import type { Link, LinkAddress } from "../seams/link.ts";

const HEADER = 3;
const SEPARATOR = ">";

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
  return `${forwarder.key}${SEPARATOR}${hexadecimal(wirelessNodeId)}`;
}

/** Two digits an octet. */
export function hexadecimal(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets) text += octet.toString(16).padStart(2, "0");
  return text;
}

/** The address that a key stands for on a link, as of before a restart, if the link can tell. */
export function addressOfKey(link: Link, key: string): LinkAddress | undefined {
  const separator = key.lastIndexOf(SEPARATOR);
  if (separator < 0) return link.addressOf?.(key);
  const forwarder = link.addressOf?.(key.slice(0, separator));
  const digits = key.slice(separator + 1);
  if (forwarder === undefined || !/^(?:[0-9a-f]{2})*$/.test(digits)) return undefined;
  const id = Uint8Array.from(digits.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16));
  return new ForwardedAddress(forwarder, id, key);
}

/** The radius of the Ctrl octet has two bits (§5.5). */
const LARGEST_RADIUS = 3;

/**
 * Writes what stands in front of the encapsulated message. `radius` in hops, 0 for all, is for
 * broadcasts only; these go to no wireless node id in particular, or to that of who asked.
 */
export function writeEncapsulation(
  writer: ByteWriter,
  wirelessNodeId: Uint8Array,
  radius: number,
): void {
  writer.u8(HEADER + wirelessNodeId.length);
  writer.u8(MsgType.encapsulated);
  writer.u8(Math.min(radius, LARGEST_RADIUS));
  writer.raw(wirelessNodeId);
}
