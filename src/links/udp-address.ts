/** Node addresses on a UDP link, each made once and found again by every datagram from there. */
import { isIPv4, isIPv6 } from "node:net";
import type { LinkAddress } from "../seams/link.ts";
import type { UdpPort } from "./udp-port.ts";

export class UdpAddress implements LinkAddress {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** The socket that reaches it. */
  readonly through: UdpPort;
  /** It is one of this gateway's own links. */
  readonly own: boolean;
  /** Datagrams until one is watched for errors again; see UdpPort. */
  unwatched = 0;

  constructor(through: UdpPort, address: string, port: number, own = false) {
    this.key = hostPort(address, port);
    this.address = address;
    this.port = port;
    this.through = through;
    this.own = own;
  }

  get host(): string {
    return this.address;
  }
}

/** An address and port as URLs write them. */
export function hostPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What `hostPort` wrote; undefined where that is not so. */
export function parseHostPort(
  text: string,
): { readonly address: string; readonly port: number } | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? "";
  const port = Number(digits);
  const valid = bracketed === undefined ? isIPv4(address) : isIPv6(address);
  return valid && port > 0 && port <= 65_535 ? { address, port } : undefined;
}

/** Addresses kept at a time. Senders may be forged, so the book is bounded, and begun anew when full. */
const CAPACITY = 16_384;

export class UdpAddressBook {
  // By address and then port, as building a key for each datagram costs more than the second look.
  readonly #known = new Map<string, Map<number, UdpAddress>>();
  readonly #isOwn: (address: string, port: number) => boolean;
  #count = 0;

  constructor(isOwn: (address: string, port: number) => boolean = () => false) {
    this.#isOwn = isOwn;
  }

  find(through: UdpPort, address: string, port: number): UdpAddress {
    const ports = this.#known.get(address);
    const known = ports?.get(port);
    return known ?? this.#add(through, address, port);
  }

  #add(through: UdpPort, address: string, port: number): UdpAddress {
    if (this.#count >= CAPACITY) {
      this.#known.clear();
      this.#count = 0;
    }
    const added = new UdpAddress(through, address, port, this.#isOwn(address, port));
    const ports = this.#known.get(address);
    if (ports === undefined) this.#known.set(address, new Map([[port, added]]));
    else ports.set(port, added);
    this.#count++;
    return added;
  }
}
