/** TLS as a client speaks it: what the TLS library is told, and what it complains of in words. */
import { isIP } from "node:net";
import { type ConnectionOptions, DEFAULT_CIPHERS, type SecureContextOptions } from "node:tls";

export interface ClientTls {
  /** Own certificate and key, trusted CAs, versions. */
  readonly context: SecureContextOptions;
  /** Cipher suites of TLS 1.2 and before, in OpenSSL's words; the library's own if not given. */
  readonly ciphers?: string | undefined;
  /** Those of TLS 1.3; the library's own if not given. */
  readonly ciphers13?: string | undefined;
  /** Whether the server's certificate must be for the name that was connected to. */
  readonly verifyName: boolean;
  /** The one application protocol to offer. */
  readonly alpn?: string | undefined;
  /** Pre-shared key instead of certificates. */
  readonly psk?: { readonly identity: string; readonly key: Uint8Array } | undefined;
}

const TLS13_CIPHERS = DEFAULT_CIPHERS.split(":").filter((name) => name.startsWith("TLS_"));
const OLDER_CIPHERS = DEFAULT_CIPHERS.split(":").filter((name) => !name.startsWith("TLS_"));
/** Suites of pre-shared keys, those with forward secrecy first. */
const PSK_CIPHERS = "kECDHEPSK+HIGH:kDHEPSK+HIGH:kPSK+HIGH:!CAMELLIA:!ARIA";

/** `host` is what the server's certificate is to be for. */
export function tlsConnectOptions(tls: ClientTls, host: string): ConnectionOptions {
  const { context, ciphers, ciphers13, verifyName, alpn, psk } = tls;
  const suites = suitesOf(ciphers ?? (psk === undefined ? undefined : PSK_CIPHERS), ciphers13);
  return {
    ...context,
    host,
    // Whatever the environment says.
    rejectUnauthorized: true,
    // Only names may be asked for by SNI (RFC 6066 §3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(suites === undefined ? {} : { ciphers: suites }),
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
    ...(verifyName && psk === undefined ? {} : { checkServerIdentity: () => undefined }),
    ...(psk === undefined ? {} : pskOptions(psk, context.minVersion === "TLSv1.3")),
  };
}

/** Undefined for the library's own. Without those of TLS 1.3 it would leave that out. */
function suitesOf(ciphers: string | undefined, ciphers13: string | undefined): string | undefined {
  if (ciphers === undefined && ciphers13 === undefined) return undefined;
  return [ciphers13 ?? TLS13_CIPHERS.join(":"), ciphers ?? OLDER_CIPHERS.join(":")].join(":");
}

function pskOptions(
  { identity, key }: NonNullable<ClientTls["psk"]>,
  only13: boolean,
): ConnectionOptions {
  return {
    // Before 1.3 the identity goes with a suite made for keys, and few servers take it otherwise.
    ...(only13 ? {} : { maxVersion: "TLSv1.2" as const }),
    pskCallback: () => ({ identity, psk: Buffer.from(key) }),
  };
}

const PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the broker's certificate has expired (or the clock of this machine is wrong)",
  CERT_NOT_YET_VALID:
    "the broker's certificate is not valid yet (or the clock of this machine is wrong)",
  CERT_REVOKED: "the broker's certificate is revoked",
  CERT_SIGNATURE_FAILURE: "the signature of the broker's certificate is wrong",
  CERT_UNTRUSTED: "the broker's certificate comes from a CA that is not trusted here",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "the broker's certificate is signed by no CA, and is not trusted here",
  ECONNRESET: "the broker ended the connection within the TLS handshake",
  EPIPE: "the broker ended the connection within the TLS handshake",
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: "no version of TLS is left to offer",
  ERR_SSL_NO_CIPHERS_AVAILABLE: "no cipher is left to offer",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the broker does not speak TLS on this port",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the broker speaks no version of TLS that is allowed here",
  ERR_SSL_WRONG_VERSION_NUMBER: "the broker does not speak TLS on this port",
  INVALID_CA: "the broker's certificate comes from one that is no CA",
  SELF_SIGNED_CERT_IN_CHAIN: "the broker's certificate comes from a CA that is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT: "the broker's certificate comes from a CA that is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the broker's certificate comes from a CA that is not trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the broker's certificate comes from a CA that is not trusted here",
};

/** What the other end complained of by a TLS alert, during the handshake or later. */
const ALERTS: Readonly<Record<string, string>> = {
  BAD_CERTIFICATE: "the other end does not accept our certificate",
  BAD_RECORD_MAC: "the other end has another pre-shared key for this identity",
  CERTIFICATE_EXPIRED: "the other end says that our certificate has expired",
  CERTIFICATE_REQUIRED: "the other end requires a certificate",
  CERTIFICATE_REVOKED: "the other end says that our certificate is revoked",
  CERTIFICATE_UNKNOWN: "the other end does not accept our certificate",
  DECRYPT_ERROR: "the other end has another pre-shared key for this identity",
  HANDSHAKE_FAILURE:
    "the other end accepts none of our ciphers, or wants a certificate or key that it was not given",
  ILLEGAL_PARAMETER: "the other end does not accept our key or parameters",
  NO_APPLICATION_PROTOCOL: "the other end does not know the application protocol that we offer",
  PROTOCOL_VERSION: "the other end speaks no version of TLS that is allowed here",
  UNKNOWN_CA: "the other end does not trust the CA of our certificate",
  UNKNOWN_PSK_IDENTITY: "the other end does not know our pre-shared key identity",
};

/** The codes of alerts: ERR_SSL_TLSV1_ALERT_UNKNOWN_CA, with another word for TLSV1 from release to release. */
const ALERT = /^ERR_SSL_.+_ALERT_([A-Z_]+)$/;

interface TlsError extends Error {
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  readonly host?: string | undefined;
  readonly cert?: { readonly subjectaltname?: string; readonly subject?: { readonly CN?: string } };
}

/** The name of the alert, as RFC 8446 §6.2 has it but in capitals, if the error is a TLS alert of the other end. */
export function alertName(code: string): string | undefined {
  return ALERT.exec(code)?.[1];
}

/** The cause in words, if the error is a TLS alert of the other end. */
export function alertCause(code: string): string | undefined {
  return ALERTS[alertName(code) ?? ""];
}

/** Why a TLS handshake failed: in words, and the TLS library's code of it, for an alert its name alone. */
export function tlsClientCause(error: TlsError): {
  readonly cause: string;
  readonly problem: string;
} {
  const { code = "", reason, message, cert, host } = error;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = cert?.subjectaltname ?? cert?.subject?.CN ?? "nothing";
    return { cause: `the broker's certificate is for ${names}, not for ${host}`, problem: code };
  }
  const known = PROBLEMS[code] ?? alertCause(code);
  return {
    cause: known ?? `TLS handshake failed (${reason ?? message})`,
    problem: alertName(code) ?? (code || "TLS"),
  };
}
