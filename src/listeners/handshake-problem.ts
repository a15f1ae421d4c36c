/** Why a TLS handshake failed, in words. */
import { alertName } from "../sockets/tls-client.ts";

const UNTRUSTED = "its certificate comes from a CA that is not trusted here";

const TOO_WEAK = "its certificate can be forged: its key or signature is too weak";

/** By the codes of Node and OpenSSL. */
const PROBLEMS: Readonly<Record<string, string>> = {
  CA_KEY_TOO_SMALL: TOO_WEAK,
  CA_MD_TOO_WEAK: TOO_WEAK,
  CERT_CHAIN_TOO_LONG: "there are too many CAs between its certificate and one that is trusted",
  CERT_HAS_EXPIRED: "its certificate has expired (or the clock of this machine is wrong)",
  CERT_NOT_YET_VALID: "its certificate is not valid yet (or the clock of this machine is wrong)",
  CERT_REVOKED: "its certificate is revoked",
  CERT_SIGNATURE_FAILURE: "the signature of its certificate is wrong",
  CERT_UNTRUSTED: UNTRUSTED,
  CRL_HAS_EXPIRED: "the certificate revocation list has expired (crlfile needs a new one)",
  CRL_NOT_YET_VALID:
    "the certificate revocation list is not valid yet (or the clock of this machine is wrong)",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by no CA",
  EE_KEY_TOO_SMALL: TOO_WEAK,
  ECONNRESET: "it ended within the TLS handshake",
  EPIPE: "it ended within the TLS handshake",
  ERR_SSL_BINDER_DOES_NOT_VERIFY: "its pre-shared key is not that of its identity",
  ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: "its pre-shared key is not that of its identity",
  ERR_SSL_HTTP_REQUEST: "it speaks HTTP, and TLS is spoken here",
  ERR_SSL_HTTPS_PROXY_REQUEST: "it speaks HTTP, and TLS is spoken here",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "it offers none of the protocols of tls_alpn",
  ERR_SSL_NO_SHARED_CIPHER: "it offers no cipher that is allowed here",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "it showed no certificate",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "it offers no version of TLS that is allowed here",
  ERR_SSL_VERSION_TOO_LOW: "it offers no version of TLS that is allowed here",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS",
  INVALID_CA: "its certificate comes from one that is no CA",
  INVALID_PURPOSE: "its certificate is not one for clients",
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_CRL: "there is no certificate revocation list of its CA (crlfile needs one)",
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNHANDLED_CRITICAL_EXTENSION: "its certificate has limits that cannot be verified here",
};

/** What the client complained of by a TLS alert. */
const ALERTS: Readonly<Record<string, string>> = {
  BAD_CERTIFICATE: "it does not accept our certificate",
  BAD_RECORD_MAC: "its pre-shared key is not that of its identity",
  CERTIFICATE_EXPIRED: "it says that our certificate has expired",
  CERTIFICATE_REVOKED: "it says that our certificate is revoked",
  CERTIFICATE_UNKNOWN: "it does not accept our certificate",
  DECRYPT_ERROR: "its pre-shared key is not that of its identity",
  HANDSHAKE_FAILURE: "it accepts none of what is offered here",
  NO_CERTIFICATE: "it showed no certificate",
  NO_RENEGOTIATION: "it ended the TLS handshake",
  PROTOCOL_VERSION: "it offers no version of TLS that is allowed here",
  UNKNOWN_CA: "it does not trust the CA of our certificate",
  UNSUPPORTED_CERTIFICATE: "it does not accept our kind of certificate",
  USER_CANCELLED: "it ended the TLS handshake",
};

/** `authorization`: what verifying the client's certificate came to, if it came to that. */
export function handshakeProblem(error: Error, authorization: unknown): string {
  const { code, reason } = error as Error & { readonly code?: string; readonly reason?: string };
  const decisive = typeof authorization === "string" ? authorization : (code ?? "");
  const known = certificateProblem(decisive) ?? ALERTS[alertName(decisive) ?? ""];
  return known ?? `TLS handshake failed (${reason ?? (decisive || error.message)})`;
}

/** What is wrong with a certificate, by OpenSSL's code; undefined where there are no words for it. */
export function certificateProblem(code: string): string | undefined {
  return Object.hasOwn(PROBLEMS, code) ? PROBLEMS[code] : undefined;
}
