/**
 * SCRAM-SHA-256 records (RFC 5802 §3): what a server keeps of a password. Whoever reads them cannot
 * log in with them. In password files: `$scram-sha-256$iterations$salt$storedKey$serverKey`.
 */
import { decodeBase64, encodeBase64 } from "../bytes/base64.ts";

export interface ScramRecord {
  readonly kind: "scram-sha-256";
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Bytes of a SHA-256 digest. */
export const SHA256_LENGTH = 32;
/** RFC 7677 §4 asks for at least as many. */
export const LEAST_SCRAM_ITERATIONS = 4096;
/** Beyond this a client would be at it for minutes. */
const MOST_ITERATIONS = 10_000_000;
const LONGEST_SALT = 1024;

/** The digests that SCRAM is made of. */
export interface ScramDigests {
  sha256(data: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
}

const text = new TextEncoder();

/** The keys that are kept, of `SaltedPassword`: PBKDF2-HMAC-SHA-256 of password, salt and iterations. */
export function scramKeys(
  saltedPassword: Uint8Array,
  { sha256, hmacSha256 }: ScramDigests,
): Pick<ScramRecord, "storedKey" | "serverKey"> {
  return {
    storedKey: sha256(hmacSha256(saltedPassword, text.encode("Client Key"))),
    serverKey: hmacSha256(saltedPassword, text.encode("Server Key")),
  };
}

/** Reads the fields after `$scram-sha-256$`; answers what is wrong with them in words. */
export function parseScramFields(fields: readonly string[]): ScramRecord | string {
  const [iterationsText = "", saltText = "", storedText = "", serverText = ""] = fields;
  if (fields.length !== 4) return "must be $scram-sha-256$iterations$salt$storedKey$serverKey";
  const iterations = /^\d{1,8}$/.test(iterationsText) ? Number(iterationsText) : 0;
  if (iterations < LEAST_SCRAM_ITERATIONS || iterations > MOST_ITERATIONS) {
    return `needs ${LEAST_SCRAM_ITERATIONS} to ${MOST_ITERATIONS} iterations`;
  }
  const salt = decodeBase64(saltText);
  if (salt === undefined || salt.length === 0 || salt.length > LONGEST_SALT) {
    return "has a salt that is not base64";
  }
  const storedKey = decodeBase64(storedText);
  const serverKey = decodeBase64(serverText);
  if (storedKey?.length !== SHA256_LENGTH || serverKey?.length !== SHA256_LENGTH) {
    return "has a key that is not 32 bytes in base64";
  }
  return { kind: "scram-sha-256", iterations, salt, storedKey, serverKey };
}

export function formatScramRecord(record: ScramRecord): string {
  const [salt, stored, server] = [record.salt, record.storedKey, record.serverKey].map((bytes) =>
    encodeBase64(bytes),
  );
  return `$scram-sha-256$${record.iterations}$${salt}$${stored}$${server}`;
}
