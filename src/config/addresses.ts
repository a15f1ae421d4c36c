/** Network addresses as the configuration writes them. */
import { isIP, isIPv4, isIPv6 } from "node:net";

/** Where a bridge dials to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const HOST_NAME =
  /^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;
const LONGEST_HOST = 253;

/** A host name or an IP address. A dotted number that is no IP address is a mistake, not a name. */
export function isHost(host: string): boolean {
  if (isIP(host) !== 0) return true;
  return host.length <= LONGEST_HOST && HOST_NAME.test(host) && !/^[\d.]+$/.test(host);
}

/** An address to listen on: a host, or "" for all addresses. */
export function isListenAddress(address: string): boolean {
  return address === "" || isHost(address);
}

/** Only this machine can reach what listens there. */
export function isLoopback(address: string): boolean {
  return (
    address === "localhost" ||
    address === "::1" ||
    (isIPv4(address) && address.startsWith("127.")) ||
    (isIPv6(address) && address.toLowerCase().startsWith("::ffff:127."))
  );
}

/** An IPv4 or IPv6 multicast group. */
export function isMulticast(address: string): boolean {
  if (isIPv4(address)) {
    const first = Number(address.slice(0, address.indexOf(".")));
    return first >= 224 && first <= 239;
  }
  return isIPv6(address) && /^ff/i.test(address);
}

/** Two sockets on the same port with these addresses get in each other's way. */
export function overlaps(one: string, other: string): boolean {
  return addressesOf(one).some((a) => addressesOf(other).some((b) => overlap(a, b)));
}

/** What "localhost" stands for, whatever the machine's own list of hosts says (RFC 6761 §6.3). */
const LOCALHOST: readonly string[] = ["127.0.0.1", "::1"];

function addressesOf(address: string): readonly string[] {
  return address === "localhost" ? LOCALHOST : [address];
}

function overlap(a: string, b: string): boolean {
  if (a === b || isEverything(a) || isEverything(b)) return true;
  return (a === "0.0.0.0" && isIPv4(b)) || (b === "0.0.0.0" && isIPv4(a));
}

/** The IPv6 wildcard takes IPv4 connections too. */
function isEverything(address: string): boolean {
  return address === "" || address === "::";
}

/** `host`, `host:port` or `[IPv6]:port`; undefined if it is none of these. */
export function parseEndpoint(text: string, defaultPort: number): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, name, digits] = match;
  const host = bracketed ?? name ?? "";
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (bracketed === undefined ? !isHost(host) : !isIPv6(host)) return undefined;
  return { host, port };
}
