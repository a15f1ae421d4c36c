/** Passwords that are hashed by not hashing them: fast, and at the time of a hand-moved clock. */
import type {
  HashRecipe,
  PasswordHasher,
  PasswordVerdict,
} from "../../src/auth/password-hasher.ts";
import type { PasswordRecord } from "../../src/auth/password-records.ts";
import type { Scheduler } from "../../src/time/scheduler.ts";

export class PlainHasher implements PasswordHasher {
  readonly #scheduler: Scheduler;
  /** Passwords checked, in their order, with the salt of the record that they were checked against. */
  readonly checked: string[] = [];
  busy = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  verify(
    record: PasswordRecord,
    password: Uint8Array,
    done: (verdict: PasswordVerdict) => void,
  ): void {
    const text = new TextDecoder().decode(password);
    this.checked.push(text);
    const right =
      record.kind === "sha512" && new TextDecoder().decode(record.hash) === padded(text);
    const verdict = this.busy ? "busy" : right ? "right" : "wrong";
    this.#scheduler.after(1, () => done(verdict));
  }

  hash(
    _recipe: HashRecipe,
    password: Uint8Array,
    done: (record: PasswordRecord | undefined) => void,
  ): void {
    const record = this.busy ? undefined : plainRecord(new TextDecoder().decode(password));
    this.#scheduler.after(1, () => done(record));
  }
}

export function plainRecord(password: string): PasswordRecord {
  const hash = new TextEncoder().encode(padded(password));
  return { kind: "sha512", salt: new Uint8Array(12), hash };
}

/** As long as a digest of SHA-512, for passwords of ASCII. */
function padded(password: string): string {
  return password.padEnd(64, ".");
}
