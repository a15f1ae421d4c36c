/** Which addresses a listener opens. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { ListenerOptions } from "./options.ts";

export interface ListenPlace {
  /** Undefined is every address of both versions of IP. */
  readonly host: string | undefined;
  readonly ipv6Only: boolean;
}

type PlaceOptions = Pick<ListenerOptions, "address" | "socketDomain" | "bindInterface">;
type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** The addresses, at least one. Rejects with an Error that says in words why there is none. */
export async function listenPlaces(options: PlaceOptions): Promise<readonly ListenPlace[]> {
  const { address, socketDomain, bindInterface } = options;
  if (bindInterface !== undefined) {
    return interfacePlaces(bindInterface, socketDomain, networkInterfaces());
  }
  if (address === "") {
    if (socketDomain === undefined) return [{ host: undefined, ipv6Only: false }];
    return [place(socketDomain === "ipv4" ? "0.0.0.0" : "::", socketDomain)];
  }
  const addresses = isIP(address) === 0 ? await addressesOf(address, socketDomain) : [address];
  const places = addresses
    .filter((found) => isIP(found) === versionOf(socketDomain) || socketDomain === undefined)
    .map((found) => place(found, socketDomain));
  if (places.length === 0) throw new Error(`it is no ${nameOf(socketDomain)} address`);
  return places;
}

/** The addresses of a network interface. */
export function interfacePlaces(
  name: string,
  socketDomain: "ipv4" | "ipv6" | undefined,
  interfaces: Interfaces,
): readonly ListenPlace[] {
  const found = interfaces[name];
  if (found === undefined) {
    const known = Object.keys(interfaces).join(", ");
    throw new Error(
      `this machine has no network interface "${name}" with an address; it has: ${known || "none"}`,
    );
  }
  const places = found
    .filter(({ family }) => socketDomain === undefined || family.toLowerCase() === socketDomain)
    .map(({ address, family }) =>
      // A link-local address means something on its own link only.
      place(/^fe80:/i.test(address) ? `${address}%${name}` : address, family.toLowerCase()),
    );
  if (places.length === 0) {
    throw new Error(`network interface "${name}" has no ${nameOf(socketDomain)} address`);
  }
  return places;
}

function place(host: string, domain: string | undefined): ListenPlace {
  return { host, ipv6Only: domain === "ipv6" && isIP(host) !== 4 };
}

function versionOf(domain: "ipv4" | "ipv6" | undefined): number {
  return domain === "ipv4" ? 4 : 6;
}

function nameOf(domain: "ipv4" | "ipv6" | undefined): string {
  return domain === undefined ? "IP" : `IPv${versionOf(domain)}`;
}

async function addressesOf(
  host: string,
  domain: "ipv4" | "ipv6" | undefined,
): Promise<readonly string[]> {
  // Whatever the machine's own list of hosts says (RFC 6761 §6.3), and without asking anybody.
  if (host === "localhost") return ["127.0.0.1", "::1"];
  const family = domain === undefined ? 0 : versionOf(domain);
  const found = await lookup(host, { all: true, family });
  return [...new Set(found.map(({ address }) => address))];
}
