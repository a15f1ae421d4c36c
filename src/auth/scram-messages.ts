/** The messages of SCRAM (RFC 5802 §7) as a server reads them; undefined is one that breaks the grammar. */
import { decodeBase64, encodeBase64 } from "../bytes/base64.ts";
import { encodeUtf8 } from "../bytes/utf8.ts";
import { SHA256_LENGTH } from "./scram-record.ts";

export interface ClientFirst {
  /** In what way the client binds the exchange to its channel: n not, y only if the server could, p it does. */
  readonly binding: "n" | "y" | "p";
  /** Whom the client wants to act for; undefined is itself. */
  readonly actFor: string | undefined;
  readonly username: string;
  readonly nonce: string;
  readonly header: string;
  /** All but the header. */
  readonly bare: string;
}

export interface ClientFinal {
  /** The header of the first message, once more, in base64. */
  readonly binding: string;
  readonly nonce: string;
  readonly proof: Uint8Array;
  readonly withoutProof: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LONGEST_NONCE = 1024;
const HEADER = /^(?:([ny])|(p)=[A-Za-z0-9.-]+),(?:a=([^,]+))?,/;
/** Attributes that nobody here knows may follow; those that must be known begin with m. */
const EXTENSIONS = "(?:,[A-Za-ln-z]=[^,\\0]+)*";
const FIRST = new RegExp(`^n=([^,\\0]+),r=([!-+\\--~]+)${EXTENSIONS}$`);
const FINAL = new RegExp(`^(c=([A-Za-z0-9+/=]+),r=([!-+\\--~]+)${EXTENSIONS}),p=([^,]+)$`);

export function readClientFirst(data: Uint8Array): ClientFirst | undefined {
  const text = textOf(data);
  const header = text === undefined ? null : HEADER.exec(text);
  if (text === undefined || header === null) return undefined;
  const bare = text.slice(header[0].length);
  const match = FIRST.exec(bare);
  const username = readName(match?.[1]);
  const nonce = match?.[2] ?? "";
  const actFor = readName(header[3]);
  if (username === undefined || nonce.length > LONGEST_NONCE) return undefined;
  if (header[3] !== undefined && actFor === undefined) return undefined;
  const binding = (header[1] ?? header[2]) as ClientFirst["binding"];
  return { binding, actFor, username, nonce, header: header[0], bare };
}

export function readClientFinal(data: Uint8Array): ClientFinal | undefined {
  const match = FINAL.exec(textOf(data) ?? "");
  const [, withoutProof = "", binding = "", nonce = "", written = ""] = match ?? [];
  const proof = match === null ? undefined : decodeBase64(written);
  return proof?.length === SHA256_LENGTH ? { binding, nonce, proof, withoutProof } : undefined;
}

/** What the final message must say of the channel, given the header of the first. */
export function bindingOf(header: string): string {
  return encodeBase64(encodeUtf8(header));
}

function textOf(data: Uint8Array): string | undefined {
  try {
    return decoder.decode(data);
  } catch {
    return undefined;
  }
}

/** A comma is written =2C, an equals sign =3D, and no other equals sign stands in a name. */
function readName(written: string | undefined): string | undefined {
  if (written === undefined || /=(?!2C|3D)/.test(written)) return undefined;
  return written.replaceAll("=2C", ",").replaceAll("=3D", "=");
}
