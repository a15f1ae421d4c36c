/**
 * Verifies the path from a client's certificate to a trusted CA without looking at dates (RFC 5280 §6),
 * for machines whose clock cannot be relied on. The TLS library tells the last thing that it finds
 * wrong only, and dates come last: behind them may stand a certificate that anybody has made.
 */
import type { KeyObject, X509Certificate } from "node:crypto";
import { type CertificateUse, useOf } from "./x509-extensions.ts";

/** CAs between a certificate and the root, the root included. */
const LONGEST_PATH = 8;
/** Certificates that the client sends along; what comes after is not looked at. */
const MOST_OFFERED = 10;

const CLIENT_PURPOSE = "1.3.6.1.5.5.7.3.2";
/** Bits of key usage by which a client may prove who it is. */
const DIGITAL_SIGNATURE = 0;
const KEY_AGREEMENT = 4;

/** Signatures that nobody can forge as of today: of RSA and elliptic curves over SHA-2, and EdDSA. */
const STRONG_SIGNATURES: ReadonlySet<string> = new Set([
  "1.2.840.113549.1.1.10",
  "1.2.840.113549.1.1.11",
  "1.2.840.113549.1.1.12",
  "1.2.840.113549.1.1.13",
  "1.2.840.10045.4.3.2",
  "1.2.840.10045.4.3.3",
  "1.2.840.10045.4.3.4",
  "1.3.101.112",
  "1.3.101.113",
]);
const SHORTEST_RSA = 2048;
const STRONG_CURVES: ReadonlySet<string> = new Set([
  "prime256v1",
  "secp256k1",
  "secp384r1",
  "secp521r1",
  "brainpoolP256r1",
  "brainpoolP384r1",
  "brainpoolP512r1",
]);

/**
 * What is wrong, by the TLS library's code; undefined if the certificate can be trusted, whatever the
 * time. `offered`: those that the client sent along. `trusted`: the CAs of the listener.
 */
export function pathProblem(
  certificate: X509Certificate,
  offered: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): string | undefined {
  const use = useOf(certificate.raw);
  if (use === undefined || use.hasUnknownLimits) return "UNHANDLED_CRITICAL_EXTENSION";
  if (!isForClients(use) || !maySign(use)) return "INVALID_PURPOSE";
  if (!isStrongKey(certificate.publicKey)) return "EE_KEY_TOO_SMALL";
  const candidates = [...trusted, ...offered.slice(0, MOST_OFFERED)];
  let current = certificate;
  for (let between = 0; between < LONGEST_PATH; between++) {
    if (isRoot(current)) {
      return isAmong(current, trusted) ? undefined : "DEPTH_ZERO_SELF_SIGNED_CERT";
    }
    const signature = useOf(current.raw)?.signedBy ?? "";
    if (!STRONG_SIGNATURES.has(signature)) return "CA_MD_TOO_WEAK";
    const issuer = candidates.find((candidate) => isIssuedBy(current, candidate));
    if (issuer === undefined) return "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
    if (!mayIssue(issuer, between)) return "INVALID_CA";
    current = issuer;
  }
  return "CERT_CHAIN_TOO_LONG";
}

/** `below`: the CAs between this one and the last certificate. */
function mayIssue(authority: X509Certificate, below: number): boolean {
  const use = useOf(authority.raw);
  if (use === undefined || use.hasUnknownLimits || !authority.ca) return false;
  if (use.pathLength !== undefined && below > use.pathLength) return false;
  return isForClients(use) && isStrongKey(authority.publicKey);
}

function isForClients({ purposes }: CertificateUse): boolean {
  return purposes === undefined || purposes.has(CLIENT_PURPOSE);
}

function maySign({ keyUsage }: CertificateUse): boolean {
  return keyUsage === undefined || keyUsage.has(DIGITAL_SIGNATURE) || keyUsage.has(KEY_AGREEMENT);
}

/** Whether the issuer's key usage allows this is part of the first check. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that the signature cannot be of.
    return false;
  }
}

function isRoot(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

function isAmong(certificate: X509Certificate, trusted: readonly X509Certificate[]): boolean {
  return trusted.some(({ fingerprint512 }) => fingerprint512 === certificate.fingerprint512);
}

function isStrongKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  switch (asymmetricKeyType) {
    case "rsa":
    case "rsa-pss":
      return (asymmetricKeyDetails?.modulusLength ?? 0) >= SHORTEST_RSA;
    case "ec":
      return STRONG_CURVES.has(asymmetricKeyDetails?.namedCurve ?? "");
    default:
      return asymmetricKeyType === "ed25519" || asymmetricKeyType === "ed448";
  }
}
