/** Enhanced authentication from the command line: SCRAM-SHA-256 in full, other methods by their first data only. */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import type { Command } from "commander";
import { preparedPassword, saslPrep } from "../auth/saslprep.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { Authentication, AuthenticationStep } from "../mqtt-client/authentication.ts";
import { fail } from "./option-values.ts";

const SCRAM = "SCRAM-SHA-256";

/** Undefined where CONNECT's properties name no method. Ends the program where something is missing. */
export function authenticationOf(
  command: Command,
  connect: Properties | undefined,
  username: string | undefined,
  password: string | undefined,
): Authentication | undefined {
  const { authenticationMethod: method, authenticationData: data } = connect ?? {};
  if (method === undefined) return undefined;
  if (method !== SCRAM || data !== undefined) return new FirstDataOnly(method, data);
  if (username === undefined || password === undefined) {
    fail(command, `${SCRAM} needs a user name (-u) and a password (-P).`);
  }
  return new ScramClient(username, password);
}

/** A method that nobody here knows, with what the user gave for it. */
class FirstDataOnly implements Authentication {
  readonly method: string;
  readonly #data: Uint8Array | undefined;

  constructor(method: string, data: Uint8Array | undefined) {
    this.method = method;
    this.#data = data;
  }

  begin(): Uint8Array | undefined {
    return this.#data;
  }

  next(_data: Uint8Array | undefined, answer: (step: AuthenticationStep) => void): void {
    const detail = `the broker wants to go on with ${this.method}, which is not known here`;
    answer({ kind: "give-up", detail });
  }

  complete(): undefined {
    return undefined;
  }
}

/** More would keep the user waiting for minutes: such a server is up to no good. */
const MOST_ITERATIONS = 10_000_000;
const DIGEST_LENGTH = 32;
/** GS2 header without channel binding, and the same in base64. */
const HEADER = "n,,";
const BINDING = "biws";

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding. */
export class ScramClient implements Authentication {
  readonly method = SCRAM;
  readonly #password: Uint8Array;
  readonly #username: string;
  #nonce = "";
  #expected: Uint8Array | undefined;

  constructor(username: string, password: string) {
    const name = saslPrep(username) ?? username;
    this.#username = name.replaceAll("=", "=3D").replaceAll(",", "=2C");
    this.#password = preparedPassword(Buffer.from(password));
  }

  get #bare(): string {
    return `n=${this.#username},r=${this.#nonce}`;
  }

  begin(): Uint8Array {
    this.#nonce = randomBytes(18).toString("base64");
    this.#expected = undefined;
    return Buffer.from(`${HEADER}${this.#bare}`);
  }

  next(data: Uint8Array | undefined, answer: (step: AuthenticationStep) => void): void {
    const first = Buffer.from(data ?? []).toString();
    const [, nonce = "", salt = "", count = ""] =
      /^r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=(\d{1,8})(?:,|$)/.exec(first) ?? [];
    const iterations = Number(count);
    const own = nonce.startsWith(this.#nonce) && nonce.length > this.#nonce.length;
    if (!own || iterations < 1 || iterations > MOST_ITERATIONS || this.#expected !== undefined) {
      answer({ kind: "give-up", detail: `the broker's message of ${SCRAM} is wrong` });
      return;
    }
    const saltBytes = Buffer.from(salt, "base64");
    pbkdf2(this.#password, saltBytes, iterations, DIGEST_LENGTH, "sha256", (error, salted) => {
      if (error !== null) answer({ kind: "give-up", detail: error.message });
      else answer({ kind: "continue", data: this.#final(first, nonce, salted) });
    });
  }

  #final(serverFirst: string, nonce: string, salted: Uint8Array): Uint8Array {
    const withoutProof = `c=${BINDING},r=${nonce}`;
    const exchanged = `${this.#bare},${serverFirst},${withoutProof}`;
    const clientKey = hmac(salted, "Client Key");
    const storedKey = createHash("sha256").update(clientKey).digest();
    const signature = hmac(storedKey, exchanged);
    const proof = clientKey.map((byte, at) => byte ^ (signature[at] as number));
    this.#expected = hmac(hmac(salted, "Server Key"), exchanged);
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString("base64")}`);
  }

  /** Who does not know the password, or what is kept of it, is not the broker. */
  complete(data: Uint8Array | undefined): string | undefined {
    const text = Buffer.from(data ?? []).toString();
    const given = Buffer.from(/^v=([A-Za-z0-9+/=]+)/.exec(text)?.[1] ?? "", "base64");
    const expected = this.#expected;
    const proved =
      expected !== undefined &&
      given.length === expected.length &&
      timingSafeEqual(given, expected);
    return proved ? undefined : "the broker has not proved that it knows this user";
  }
}

function hmac(key: Uint8Array, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}
