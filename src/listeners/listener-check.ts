/**
 * Combinations of options that cannot be, found before anything is opened: a listener that was meant
 * to ask for certificates must never be open to all instead.
 */
import { ListenError } from "./listen-error.ts";
import type { ListenerOptions } from "./options.ts";

/** Throws ListenError. */
export function checkListenerOptions(options: ListenerOptions): void {
  const problem = problemOf(options);
  if (problem === undefined) return;
  throw new ListenError(placeOf(options), options.setting, new Error(problem));
}

/** Where a listener is, for messages about all of it. */
export function placeOf({ unix, port }: ListenerOptions): string {
  return unix?.path ?? `port ${port}`;
}

function problemOf({ proxy, protocol, tls, webSocket }: ListenerOptions): string | undefined {
  if (protocol === "websockets" && webSocket === undefined) return "it has no WebSocket options";
  if (proxy?.version === 1) {
    const needs = Object.entries({
      proxy_protocol_v2_require_tls: proxy.requireTls,
      require_certificate: proxy.requireCertificate,
      use_identity_as_username: proxy.useIdentityAsUsername,
    }).find(([, asked]) => asked)?.[0];
    if (needs !== undefined) return `${needs} needs version 2 of the PROXY protocol`;
  }
  const identification = tls?.identification;
  if (identification?.kind !== "certificate") return undefined;
  const { requireCertificate, userNameFrom, caFile, caPath, crlFile, ignoreDates } = identification;
  if (ignoreDates === true && crlFile !== undefined) {
    return "with crlfile, disable_client_cert_date_checks would hide which certificates are revoked";
  }
  if (!requireCertificate && userNameFrom === undefined) return undefined;
  if (caFile !== undefined || caPath !== undefined) return undefined;
  return "without cafile or capath no client certificate can be verified";
}
