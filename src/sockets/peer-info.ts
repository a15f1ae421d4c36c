/** What is known of the other end of a connection before its first packet. */
import type { Socket } from "node:net";
import type { PeerIdentity } from "../seams/wire.ts";

export interface PeerInfo {
  /** `address:port`, for logs. */
  readonly remote: string;
  /** The IP address alone, or "unix" for all who come by a Unix socket. */
  readonly address: string;
  readonly identity?: PeerIdentity | undefined;
}

const MAPPED = "::ffff:";

/** Who is at the other end of a connected socket. */
export function peerOf(socket: Socket): PeerInfo {
  const { remoteAddress, remotePort } = socket;
  // A Unix socket's peer has no address; a TCP peer that has gone already has none any more.
  if (remoteAddress === undefined) return { remote: "unix", address: "unix" };
  return peerAt(remoteAddress, remotePort ?? 0);
}

export function peerAt(address: string, port: number): PeerInfo {
  const bare = bareAddress(address);
  // No brackets around IPv6: log watchers know the lines as Mosquitto writes them.
  return { remote: `${bare}:${port}`, address: bare };
}

/** IPv4 clients of a socket that serves both versions of IP are shown, and counted, as what they are. */
export function bareAddress(address: string): string {
  return address.startsWith(MAPPED) && address.includes(".")
    ? address.slice(MAPPED.length)
    : address;
}
