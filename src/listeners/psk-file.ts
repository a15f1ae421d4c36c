/** The file of pre-shared keys: a line `identity:key` for each, the key in hexadecimal digits. */
import { decodeUtf8 } from "../bytes/utf8.ts";

export type PskTable = ReadonlyMap<string, Uint8Array>;

/** Limits of OpenSSL, bytes. */
const LONGEST_IDENTITY = 128;
const LONGEST_KEY = 256;
/** A key and blanks around it, characters. */
const LONGEST_FIELD = 1024;
/** What stands for ill-formed bytes in the identities that the TLS library hands over. */
const REPLACEMENT = "\u{fffd}";

/** The keys by identity, or what is wrong with the file and in which line. Lines with # are comments. */
export function parsePskFile(bytes: Uint8Array): PskTable | { readonly problem: string } {
  const table = new Map<string, Uint8Array>();
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    line++;
    const newline = bytes.indexOf(10, start);
    const next = newline < 0 ? bytes.length : newline;
    const end = bytes[next - 1] === 13 && next > start ? next - 1 : next;
    const problem = takeLine(bytes.subarray(start, end), table);
    if (problem !== undefined) return { problem: `line ${line}: ${problem}` };
    start = next + 1;
  }
  return table;
}

const COMMENT = 0x23;
const COLON = 0x3a;

function takeLine(line: Uint8Array, table: Map<string, Uint8Array>): string | undefined {
  if (line.length === 0 || line[0] === COMMENT) return undefined;
  const colon = line.indexOf(COLON);
  if (colon < 1) return "expected identity:key, the key in hexadecimal digits";
  if (colon > LONGEST_IDENTITY) return `an identity has ${LONGEST_IDENTITY} bytes at most`;
  const identity = decodeUtf8(line, 0, colon)?.trim();
  if (!identity || identity.includes(REPLACEMENT)) {
    return "the identity is not well-formed UTF-8 text";
  }
  if (table.has(identity)) return `the identity ${identity} stands there twice`;
  const key = keyFrom(line.subarray(colon + 1));
  if (typeof key === "string") return `the key of ${identity} ${key}`;
  table.set(identity, key);
  return undefined;
}

/** The key's bytes, or what is wrong with it. Digits are one number, so that the first may stand alone. */
function keyFrom(field: Uint8Array): Uint8Array | string {
  if (field.length > LONGEST_FIELD) return `is longer than ${LONGEST_KEY} bytes`;
  const digits = String.fromCharCode(...field).trim();
  if (!/^[0-9a-f]+$/i.test(digits)) return "is not made of hexadecimal digits";
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  if (even.length > LONGEST_KEY * 2) return `is longer than ${LONGEST_KEY} bytes`;
  return Uint8Array.from({ length: even.length / 2 }, (_, at) =>
    Number.parseInt(even.slice(at * 2, at * 2 + 2), 16),
  );
}
