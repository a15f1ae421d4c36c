/** Why a TLS handshake failed, in words. */

/** By the codes of Node and OpenSSL. */
const PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet (or the clock of this machine is wrong)",
  CERT_REVOKED: "its certificate is revoked",
  CERT_SIGNATURE_FAILURE: "the signature of its certificate is wrong",
  CRL_HAS_EXPIRED: "the certificate revocation list has expired (crlfile needs a new one)",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by no CA",
  ECONNRESET: "it ended within the TLS handshake",
  ERR_SSL_BINDER_DOES_NOT_VERIFY: "its pre-shared key is not that of its identity",
  ERR_SSL_HTTP_REQUEST: "it speaks HTTP, and TLS is spoken here",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "it offers none of the protocols of tls_alpn",
  ERR_SSL_NO_SHARED_CIPHER: "it offers no cipher that is allowed here",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "it showed no certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "it does not accept our certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "it says that our certificate has expired",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: "it does not accept our certificate",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "it does not trust the CA of our certificate",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "it offers no version of TLS that is allowed here",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS",
  INVALID_CA: "its certificate comes from one that is no CA",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate comes from a CA that is not trusted here",
  UNABLE_TO_GET_CRL: "there is no certificate revocation list of its CA (crlfile needs one)",
  UNABLE_TO_GET_ISSUER_CERT: "its certificate comes from a CA that is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate comes from a CA that is not trusted here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate comes from a CA that is not trusted here",
};

/** `authorization`: what verifying the client's certificate came to, if it came to that. */
export function handshakeProblem(error: Error, authorization: unknown): string {
  const { code, reason } = error as Error & { readonly code?: string; readonly reason?: string };
  const decisive = typeof authorization === "string" ? authorization : (code ?? "");
  return PROBLEMS[decisive] ?? `TLS handshake failed (${reason ?? (decisive || error.message)})`;
}
