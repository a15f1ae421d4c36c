/** The headers that keep the page to itself: nothing from elsewhere runs in it, nobody frames it. */

const PLAIN_HOST = /^[A-Za-z0-9.\-:[\]]+$/;

const FIXED: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
};

/** Headers for an answer to a request that came with this Host header. */
export function securityHeaders(host: string | undefined): Record<string, string> {
  return { ...FIXED, "Content-Security-Policy": contentSecurityPolicy(host) };
}

function contentSecurityPolicy(host: string | undefined): string {
  // 'self' covers WebSockets of the same host in current browsers; older Safari wants them named.
  const sockets = host !== undefined && PLAIN_HOST.test(host) ? ` ws://${host} wss://${host}` : "";
  return [
    "default-src 'self'",
    `connect-src 'self'${sockets}`,
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}
