/** What went wrong on the network, in words for people who have no list of error codes. */
import { alertCause } from "./tls-client.ts";

const CAUSES: Readonly<Record<string, string>> = {
  EACCES: "not permitted",
  EADDRNOTAVAIL: "no usable local address",
  EAI_AGAIN: "the name server did not answer",
  EAI_FAIL: "the name server failed",
  EAI_NODATA: "the host name has no address",
  EAI_NONAME: "unknown host name",
  ECONNABORTED: "connection aborted",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the other end",
  EHOSTDOWN: "host is down",
  EHOSTUNREACH: "host unreachable",
  EMFILE: "too many open files",
  ENETDOWN: "network is down",
  ENETUNREACH: "network unreachable",
  ENFILE: "too many open files",
  ENODATA: "the host name has no address",
  ENOTFOUND: "unknown host name",
  ENOENT: "there is no such file",
  ENOTSOCK: "it is no socket",
  EPIPE: "connection closed by the other end",
  ETIMEDOUT: "no answer (timed out)",
};

/** What the TLS library adds to an error; its message is for programmers. */
interface TlsError extends NodeJS.ErrnoException {
  readonly reason?: string | undefined;
}

/** The cause in words; of several attempts, the cause of the first. */
export function networkCause(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const { code, message, reason } = (first instanceof Error ? first : error) as TlsError;
  if (reason !== undefined) return `TLS error: ${reason}`;
  const known = code === undefined ? undefined : (CAUSES[code] ?? alertCause(code));
  return known ?? (message || (code ?? "unknown error"));
}
