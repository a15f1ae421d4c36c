/**
 * The server's side of one exchange of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding.
 * In order: `first`, then `challenge`, then `final`.
 */
import { encodeBase64 } from "../bytes/base64.ts";
import { encodeUtf8 } from "../bytes/utf8.ts";
import { equalInConstantTime } from "./password-records.ts";
import { bindingOf, type ClientFirst, readClientFinal, readClientFirst } from "./scram-messages.ts";
import type { ScramDigests, ScramRecord } from "./scram-record.ts";

export type FirstOutcome =
  | { readonly ok: true; readonly username: string }
  | { readonly ok: false; readonly why: string };

export type FinalOutcome =
  | { readonly ok: true; readonly data: Uint8Array }
  | { readonly ok: false; readonly why: string };

export interface ScramServerParts {
  readonly digests: ScramDigests;
  /** The server's part of the nonce: printable ASCII without commas, new each time. */
  readonly nonce: string;
}

export class ScramServer {
  readonly #digests: ScramDigests;
  readonly #ownNonce: string;
  #first: ClientFirst | undefined;
  #nonce = "";
  #serverFirst = "";
  #record: ScramRecord | undefined;

  constructor({ digests, nonce }: ScramServerParts) {
    this.#digests = digests;
    this.#ownNonce = nonce;
  }

  /** The client says who it wants to be. */
  first(data: Uint8Array): FirstOutcome {
    const first = readClientFirst(data);
    if (first === undefined) return refused("sent no first message of SCRAM");
    if (first.binding === "p") return refused("asked for channel binding, which is not offered");
    if (first.actFor !== undefined && first.actFor !== first.username) {
      return refused("wants to act for somebody else");
    }
    this.#first = first;
    return { ok: true, username: first.username };
  }

  /** What the client has to prove its password with. */
  challenge(record: ScramRecord): Uint8Array {
    this.#record = record;
    this.#nonce = `${this.#first?.nonce ?? ""}${this.#ownNonce}`;
    this.#serverFirst = `r=${this.#nonce},s=${encodeBase64(record.salt)},i=${record.iterations}`;
    return encodeUtf8(this.#serverFirst);
  }

  /** The client's proof; the answer to a right one proves to the client that the server knows it, too. */
  final(data: Uint8Array): FinalOutcome {
    const first = this.#first;
    const record = this.#record;
    const final = readClientFinal(data);
    if (first === undefined || record === undefined || final === undefined) {
      return refused("sent no final message of SCRAM");
    }
    if (final.nonce !== this.#nonce || final.binding !== bindingOf(first.header)) {
      return refused("answered another exchange of SCRAM");
    }
    const { sha256, hmacSha256 } = this.#digests;
    const exchanged = encodeUtf8(`${first.bare},${this.#serverFirst},${final.withoutProof}`);
    const signature = hmacSha256(record.storedKey, exchanged);
    const clientKey = final.proof.map((byte, at) => byte ^ (signature[at] as number));
    if (!equalInConstantTime(sha256(clientKey), record.storedKey)) {
      return refused("gave a wrong proof");
    }
    const verifier = encodeBase64(hmacSha256(record.serverKey, exchanged));
    return { ok: true, data: encodeUtf8(`v=${verifier}`) };
  }
}

function refused(why: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why };
}

/**
 * A record for a user who is not known: the same for the same name each time, as like to a real one
 * as `like`, and without a password that fits. `secret` keeps anyone else from computing it.
 */
export function strangersRecord(
  username: string,
  like: { readonly iterations: number; readonly saltLength: number },
  secret: Uint8Array,
  { hmacSha256 }: ScramDigests,
): ScramRecord {
  const derive = (what: string): Uint8Array =>
    hmacSha256(secret, encodeUtf8(`${what}:${username}`));
  const salt = new Uint8Array(like.saltLength);
  for (let at = 0; at < salt.length; at += 32) {
    salt.set(derive(`salt${at}`).subarray(0, salt.length - at), at);
  }
  return {
    kind: "scram-sha-256",
    iterations: like.iterations,
    salt,
    storedKey: derive("stored"),
    serverKey: derive("server"),
  };
}
