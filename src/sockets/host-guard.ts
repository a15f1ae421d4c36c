/**
 * Keeps web pages of elsewhere from reaching a loopback server through a DNS name that they point
 * at 127.0.0.1 (DNS rebinding): such requests carry that name in Host.
 */

const LOOPBACK_V4 = /^127(?:\.\d{1,3}){3}$/;

/** Whether a listening address is reachable from this machine only. */
export function isLoopback(address: string): boolean {
  const bare = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  return bare === "localhost" || bare === "::1" || LOOPBACK_V4.test(bare);
}

/** Whether a Host header names this very machine. */
export function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host)?.[1]?.toLowerCase();
  return name === "localhost" || name === "[::1]" || (name !== undefined && LOOPBACK_V4.test(name));
}
