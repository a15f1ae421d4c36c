/**
 * Packet captures that Wireshark opens: each MQTT-SN message in a UDP datagram over IPv4, whatever
 * carried it. The gateway is at port 1884.
 */

import type { SniffRecord } from "../links/sniff-record.ts";
import { parseHostPort } from "../links/udp-address.ts";

const MAGIC = 0xa1b2c3d4;
/** LINKTYPE_RAW: packets begin with their IP header. */
const RAW_IP = 101;
const LONGEST_PACKET = 65_535;
const IP_HEADER = 20;
const UDP_HEADER = 8;
const UDP = 17;
const PORT = 1884;
/** Of the addresses that are kept for documentation. */
const GATEWAY = [192, 0, 2, 1];
const EVERYONE = [255, 255, 255, 255];

/** What a capture file begins with. */
export function pcapHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(LONGEST_PACKET, 16);
  header.writeUInt32LE(RAW_IP, 20);
  return header;
}

/** Nodes that have no IPv4 address are given one, in the order of their appearance. */
export class PcapWriter {
  readonly #given = new Map<string, readonly number[]>();

  packet({ at, way, address, frame }: SniffRecord): Buffer {
    const length = Math.min(IP_HEADER + UDP_HEADER + frame.length, LONGEST_PACKET);
    const record = Buffer.alloc(16 + length);
    record.writeUInt32LE(Math.floor(at / 1000), 0);
    record.writeUInt32LE(Math.floor((at % 1000) * 1000), 4);
    record.writeUInt32LE(length, 8);
    record.writeUInt32LE(length, 12);
    const ip = record.subarray(16);
    const node = this.#place(address);
    const gateway = { octets: GATEWAY, port: PORT };
    const [from, to] = way === "in" ? [node, gateway] : [gateway, node];
    ip[0] = 0x45;
    ip.writeUInt16BE(length, 2);
    ip[8] = 64;
    ip[9] = UDP;
    ip.set(from.octets, 12);
    ip.set(to.octets, 16);
    ip.writeUInt16BE(checksum(ip.subarray(0, IP_HEADER)), 10);
    const udp = ip.subarray(IP_HEADER);
    udp.writeUInt16BE(from.port, 0);
    udp.writeUInt16BE(to.port, 2);
    // No checksum, as IPv4 allows.
    udp.writeUInt16BE(length - IP_HEADER, 4);
    udp.set(frame.subarray(0, length - IP_HEADER - UDP_HEADER), UDP_HEADER);
    return record;
  }

  #place(address: string): { readonly octets: readonly number[]; readonly port: number } {
    if (address === "") return { octets: EVERYONE, port: PORT };
    const place = parseHostPort(address);
    if (place !== undefined && !place.address.includes(":")) {
      return { octets: place.address.split(".").map(Number), port: place.port };
    }
    let octets = this.#given.get(address);
    if (octets === undefined) {
      const number = this.#given.size + 1;
      octets = [10, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff];
      this.#given.set(address, octets);
    }
    return { octets, port: PORT };
  }
}

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
