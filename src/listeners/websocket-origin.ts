/** Which web pages may open a WebSocket: a browser sends cookies and reaches loopback for any page. */
import { isLoopbackHost } from "../sockets/host-guard.ts";

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Whether a request with these headers may be upgraded: it comes from no browser page (no Origin),
 * from a page of the very host that was asked, or from an origin that the configuration allows.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: ReadonlySet<string>,
): boolean {
  if (origin === undefined || allowed.has(origin)) return true;
  return host !== undefined && isSameHost(origin, host);
}

function isSameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin);
  if (page === null) return false;
  const defaultPort = DEFAULT_PORTS[page.protocol];
  if (defaultPort === undefined) return false;
  // Parsing with the page's own scheme drops that scheme's default port on both sides alike.
  const asked = URL.parse(`${page.protocol}//${host}`);
  return asked !== null && asked.host === page.host;
}

/** Whether a page was loaded from this very machine. */
export function isOriginOnLoopback(origin: string): boolean {
  const page = URL.parse(origin);
  return page !== null && isLoopbackHost(page.host);
}
