/** Takes the PROXY protocol's header off the front of a connection, and holds it to the listener's rules. */
import { isMqttText } from "../bytes/utf8.ts";
import type { PeerIdentity } from "../seams/wire.ts";
import { type PeerInfo, peerAt } from "../sockets/peer-info.ts";
import type { Arrival } from "./arrival.ts";
import type { ProxyOptions } from "./options.ts";
import { LOCAL, type ProxiedPeer, type ProxyHeader, ProxyHeaderReader } from "./proxy-header.ts";

/**
 * Reads the header; then `passed` gets the bytes that came behind it, and `arrival.peer` is whom the
 * load balancer speaks for. A connection without a valid header is refused.
 */
export function takeProxyHeader(
  arrival: Arrival,
  options: ProxyOptions,
  passed: (early: Uint8Array) => void,
): void {
  const { socket } = arrival;
  const reader = new ProxyHeaderReader(options.version);
  const take = (chunk: Uint8Array): void => {
    const result = reader.feed(chunk);
    if (result === undefined) return;
    socket.off("data", take);
    socket.off("end", breakOff);
    socket.pause();
    if ("fault" in result) {
      arrival.refuse(`corrupt PROXY header (${result.fault})`);
      return;
    }
    const peer = peerBehind(result.header, options, arrival.peer);
    if (typeof peer === "string") {
      arrival.refuse(peer);
      return;
    }
    arrival.peer = peer;
    passed(result.rest);
  };
  const breakOff = (): void => arrival.refuse("incomplete PROXY header");
  socket.on("data", take);
  socket.once("end", breakOff);
  socket.resume();
}

/** Who the other end is by the header, or why it may not come in. */
export function peerBehind(
  header: ProxyHeader,
  options: ProxyOptions,
  balancer: PeerInfo,
): PeerInfo | string {
  const proxied = header === LOCAL ? undefined : header;
  const tls = proxied?.tls;
  if (options.requireTls && tls === undefined) return "client did not connect using TLS";
  const verified = tls?.certificateVerified === true;
  if ((options.requireCertificate || options.useIdentityAsUsername) && !verified) {
    return "client did not provide a certificate";
  }
  const peer = proxied === undefined ? balancer : placeOf(proxied);
  if (!options.useIdentityAsUsername) return peer;
  const identity = identityFrom(tls?.commonName);
  return identity === undefined
    ? "its certificate has no common name that can be a user name"
    : { ...peer, identity };
}

function placeOf({ address, port }: ProxiedPeer): PeerInfo {
  return address === undefined ? { remote: "unix", address: "unix" } : peerAt(address, port);
}

function identityFrom(commonName: string | undefined): PeerIdentity | undefined {
  if (commonName === undefined || commonName === "" || !isMqttText(commonName)) return undefined;
  return { username: commonName, verified: true, kind: "proxy" };
}
