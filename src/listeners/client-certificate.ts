/** What a client's certificate says after the handshake: whether it may come in, and under which name. */
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { isMqttText } from "../bytes/utf8.ts";
import type { PeerIdentity } from "../seams/wire.ts";
import { pathProblem } from "./certificate-path.ts";
import { certificateProblem } from "./handshake-problem.ts";
import type { CertificateOptions } from "./options.ts";
import { commonNameOf, subjectOf, subjectText } from "./x509-subject.ts";

/** Whoever takes user names from certificates must not let anybody in without one. */
export function isRequired({ requireCertificate, userNameFrom }: CertificateOptions): boolean {
  return requireCertificate || userNameFrom !== undefined;
}

/**
 * Who the client is, if the listener wants to know; or in words why it may not come in. `trusted`: the
 * CAs, needed where dates do not count.
 */
export function identityInCertificate(
  socket: TLSSocket,
  options: CertificateOptions,
  trusted: readonly X509Certificate[],
): PeerIdentity | undefined | string {
  if (!isRequired(options)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return "it showed no certificate";
  if (!socket.authorized) {
    const problem =
      options.ignoreDates === true
        ? problemButDates(socket, certificate, trusted)
        : "it showed no certificate that was verified";
    if (problem !== undefined) return problem;
  }
  const { userNameFrom } = options;
  if (userNameFrom === undefined) return undefined;
  const subject = subjectOf(certificate.raw);
  const username =
    subject && (userNameFrom === "subject" ? subjectText(subject) : commonNameOf(subject));
  if (!username || !isMqttText(username)) {
    const what = userNameFrom === "subject" ? "subject" : "common name";
    return `its certificate has no ${what} that can be a user name`;
  }
  return { username, verified: true, kind: "certificate" };
}

const DATE_PROBLEMS: ReadonlySet<string> = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);

/** What is wrong with a certificate that the TLS library did not accept, its dates apart. */
function problemButDates(
  socket: TLSSocket,
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
): string | undefined {
  const found = String(socket.authorizationError);
  const problem = DATE_PROBLEMS.has(found)
    ? pathProblem(certificate, sentAlong(certificate), trusted)
    : found;
  if (problem === undefined) return undefined;
  return certificateProblem(problem) ?? `its certificate is not accepted (${problem})`;
}

/** More than any path has. */
const MOST_SENT = 10;

/** The certificates behind the client's own. */
function sentAlong(certificate: X509Certificate): X509Certificate[] {
  const found: X509Certificate[] = [];
  let issuer = certificate.issuerCertificate;
  while (issuer !== undefined && found.length < MOST_SENT) {
    found.push(issuer);
    issuer = issuer.issuerCertificate;
  }
  return found;
}
