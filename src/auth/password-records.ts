/**
 * Password records as Mosquitto writes them: `$6$` is SHA-512 over password and salt, `$7$` is
 * PBKDF2-HMAC-SHA-512, `$argon2id$` is RFC 9106; and `$scram-sha-256$`, which is Midge's own.
 */
import { decodeBase64, encodeBase64 } from "../bytes/base64.ts";
import { formatScramRecord, parseScramFields, type ScramRecord } from "./scram-record.ts";

export interface Sha512Record {
  readonly kind: "sha512";
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

export interface Pbkdf2Record {
  readonly kind: "sha512-pbkdf2";
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

export interface Argon2Record {
  readonly kind: "argon2id";
  /** Memory, KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

export type PasswordRecord = Sha512Record | Pbkdf2Record | Argon2Record | ScramRecord;
export type PasswordKind = PasswordRecord["kind"];

/** A record, or what is wrong with it in words. */
export type ParsedRecord =
  | { readonly ok: true; readonly record: PasswordRecord }
  | { readonly ok: false; readonly problem: string };

/** Bytes of a SHA-512 digest. */
export const SHA512_LENGTH = 64;
/** Beyond these, one login would hold up a thread or take the memory of a small board. */
const MOST_ITERATIONS = 10_000_000;
const MOST_MEMORY = 1_048_576;
const MOST_PASSES = 1000;
const MOST_PARALLELISM = 255;
const LONGEST_SALT = 1024;
const SHORTEST_ARGON2_SALT = 8;
const SHORTEST_ARGON2_HASH = 4;
const ARGON2_VERSION = "v=19";

export function parsePasswordRecord(text: string): ParsedRecord {
  const fields = text.split("$");
  if (!text.startsWith("$")) return wrong("is no password hash: it does not begin with $");
  switch (fields[1]) {
    case "6":
      return fields.length === 4
        ? parseSha512(fields[2] as string, fields[3] as string)
        : wrong("must be $6$salt$hash");
    case "7":
      return fields.length === 5
        ? parsePbkdf2(fields[2] as string, fields[3] as string, fields[4] as string)
        : wrong("must be $7$iterations$salt$hash");
    case "argon2id":
      return fields.length === 6
        ? parseArgon2(fields.slice(2))
        : wrong("must be $argon2id$v=19$m=..,t=..,p=..$salt$hash");
    case "scram-sha-256": {
      const record = parseScramFields(fields.slice(2));
      return typeof record === "string" ? wrong(record) : { ok: true, record };
    }
    default:
      return wrong(
        `has the unknown kind "${fields[1] ?? ""}"; known are 6, 7, argon2id and scram-sha-256`,
      );
  }
}

export function formatPasswordRecord(record: PasswordRecord): string {
  switch (record.kind) {
    case "sha512":
      return `$6$${encodeBase64(record.salt)}$${encodeBase64(record.hash)}`;
    case "sha512-pbkdf2":
      return `$7$${record.iterations}$${encodeBase64(record.salt)}$${encodeBase64(record.hash)}`;
    case "argon2id": {
      const { memory, passes, parallelism, salt, hash } = record;
      const cost = `m=${memory},t=${passes},p=${parallelism}`;
      return `$argon2id$${ARGON2_VERSION}$${cost}$${encodeBase64(salt, false)}$${encodeBase64(hash, false)}`;
    }
    case "scram-sha-256":
      return formatScramRecord(record);
  }
}

/** Compares without telling by its duration where the first difference is. */
export function equalInConstantTime(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) difference |= (one[at] as number) ^ (other[at] ?? 0);
  return difference === 0;
}

/**
 * A record that no password fits and that costs as much to check as `like`: for users who are not
 * known, so that the time does not tell that they are not.
 */
export function decoyOf(like: PasswordRecord): PasswordRecord {
  return like.kind === "scram-sha-256"
    ? { ...like, storedKey: new Uint8Array(like.storedKey.length) }
    : { ...like, hash: new Uint8Array(like.hash.length) };
}

function parseSha512(saltText: string, hashText: string): ParsedRecord {
  const salt = saltOf(saltText);
  if (salt === undefined) return wrong("has a salt that is not base64");
  const hash = decodeBase64(hashText);
  if (hash?.length !== SHA512_LENGTH) return wrong("has a hash that is not 64 bytes in base64");
  return { ok: true, record: { kind: "sha512", salt, hash } };
}

function parsePbkdf2(iterationsText: string, saltText: string, hashText: string): ParsedRecord {
  const iterations = wholeNumber(iterationsText, 1, MOST_ITERATIONS);
  if (iterations === undefined) return wrong(`needs 1 to ${MOST_ITERATIONS} iterations`);
  const salt = saltOf(saltText);
  if (salt === undefined) return wrong("has a salt that is not base64");
  const hash = decodeBase64(hashText);
  if (hash?.length !== SHA512_LENGTH) return wrong("has a hash that is not 64 bytes in base64");
  return { ok: true, record: { kind: "sha512-pbkdf2", iterations, salt, hash } };
}

function parseArgon2(fields: readonly string[]): ParsedRecord {
  const [version, cost = "", saltText = "", hashText = ""] = fields;
  if (version !== ARGON2_VERSION) return wrong("must be of version v=19");
  const match = /^m=(\d+),t=(\d+),p=(\d+)$/.exec(cost);
  const parallelism = wholeNumber(match?.[3] ?? "", 1, MOST_PARALLELISM);
  const memory = wholeNumber(match?.[1] ?? "", 8 * (parallelism ?? 1), MOST_MEMORY);
  const passes = wholeNumber(match?.[2] ?? "", 1, MOST_PASSES);
  if (memory === undefined || passes === undefined || parallelism === undefined) {
    return wrong(`needs m=8p to ${MOST_MEMORY}, t=1 to ${MOST_PASSES}, p=1 to ${MOST_PARALLELISM}`);
  }
  const salt = saltOf(saltText);
  if (salt === undefined || salt.length < SHORTEST_ARGON2_SALT) {
    return wrong("has a salt that is not at least 8 bytes in base64");
  }
  const hash = decodeBase64(hashText);
  if (hash === undefined || hash.length < SHORTEST_ARGON2_HASH || hash.length > LONGEST_SALT) {
    return wrong("has a hash that is not base64");
  }
  return { ok: true, record: { kind: "argon2id", memory, passes, parallelism, salt, hash } };
}

function saltOf(text: string): Uint8Array | undefined {
  const salt = decodeBase64(text);
  return salt !== undefined && salt.length > 0 && salt.length <= LONGEST_SALT ? salt : undefined;
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

function wrong(problem: string): ParsedRecord {
  return { ok: false, problem };
}
