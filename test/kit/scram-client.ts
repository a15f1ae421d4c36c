/** The client's side of SCRAM-SHA-256 (RFC 5802 §3), written on its own, to try servers with. */
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

export interface ScramClientOptions {
  /** As it stands in the message: a comma is =2C, an equals sign =3D. */
  readonly username: string;
  readonly password: string;
  readonly nonce: string;
  /** "n,," if not given. */
  readonly header?: string;
  /** What follows the nonce in the first message. */
  readonly extension?: string;
}

const hmac = (key: Uint8Array, text: string): Uint8Array =>
  new Uint8Array(createHmac("sha256", key).update(text).digest());
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const base64 = (data: Uint8Array | string): string => Buffer.from(data).toString("base64");

export class ScramClient {
  readonly #password: string;
  readonly #header: string;
  readonly #bare: string;
  #signature = "";

  constructor({ username, password, nonce, header = "n,,", extension = "" }: ScramClientOptions) {
    this.#password = password;
    this.#header = header;
    this.#bare = `n=${username},r=${nonce}${extension}`;
  }

  first(): Uint8Array {
    return bytes(this.#header + this.#bare);
  }

  /** The proof that answers the server's challenge. */
  final(challenge: Uint8Array): Uint8Array {
    const text = new TextDecoder().decode(challenge);
    const [, nonce = "", salt = "", iterations = ""] = /^r=(.*),s=(.*),i=(\d+)$/.exec(text) ?? [];
    const salted = new Uint8Array(
      pbkdf2Sync(this.#password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256"),
    );
    const clientKey = hmac(salted, "Client Key");
    const storedKey = new Uint8Array(createHash("sha256").update(clientKey).digest());
    const withoutProof = `c=${base64(this.#header)},r=${nonce}`;
    const exchanged = `${this.#bare},${text},${withoutProof}`;
    const clientSignature = hmac(storedKey, exchanged);
    const proof = clientKey.map((byte, at) => byte ^ (clientSignature[at] as number));
    this.#signature = base64(hmac(hmac(salted, "Server Key"), exchanged));
    return bytes(`${withoutProof},p=${base64(proof)}`);
  }

  /** Whether the server has proved that it knows the password, too. */
  knows(serverFinal: Uint8Array | undefined): boolean {
    return new TextDecoder().decode(serverFinal) === `v=${this.#signature}`;
  }
}

/** The record that a server keeps of a password. */
export function scramRecordText(
  password: string,
  salt = "W22ZaJ0SNY7soEsUEjb6gQ==",
  iterations = 4096,
): string {
  const salted = new Uint8Array(
    pbkdf2Sync(password, Buffer.from(salt, "base64"), iterations, 32, "sha256"),
  );
  const stored = createHash("sha256").update(hmac(salted, "Client Key")).digest();
  return `$scram-sha-256$${iterations}$${salt}$${base64(stored)}$${base64(hmac(salted, "Server Key"))}`;
}
