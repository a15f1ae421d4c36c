/**
 * Hashing of passwords on the thread pool, so that no login ever holds up the event loop. Few at a
 * time: the pool also serves the store, and argon2id takes its memory for each.
 */
import { argon2, createHash, pbkdf2, randomBytes } from "node:crypto";
import type { HashRecipe, PasswordHasher, PasswordVerdict } from "../auth/password-hasher.ts";
import {
  equalInConstantTime,
  type PasswordRecord,
  SHA512_LENGTH,
} from "../auth/password-records.ts";

export interface PasswordHasherOptions {
  /** How many are computed at the same time. */
  readonly concurrency?: number | undefined;
  /** How many may wait beyond those. */
  readonly waiting?: number | undefined;
}

/** A digest to compute: what, and how long. */
type Costs = HashRecipe & { readonly salt: Uint8Array; readonly length: number };

interface Job {
  readonly costs: Costs;
  readonly password: Uint8Array;
  readonly done: (digest: Uint8Array | undefined) => void;
}

/** Mosquitto 2.0 reads records with salts of this length only. */
const SALT_LENGTH = 12;
const ARGON2_SALT_LENGTH = 16;
const ARGON2_LENGTH = 32;
const CONCURRENCY = 2;
const WAITING = 1000;

export class ThreadPoolHasher implements PasswordHasher {
  readonly #concurrency: number;
  readonly #longestQueue: number;
  readonly #queue: Job[] = [];
  #running = 0;

  constructor({ concurrency = CONCURRENCY, waiting = WAITING }: PasswordHasherOptions = {}) {
    this.#concurrency = concurrency;
    this.#longestQueue = waiting;
  }

  verify(
    record: PasswordRecord,
    password: Uint8Array,
    done: (verdict: PasswordVerdict) => void,
  ): void {
    const accepted = this.#add({
      costs: { ...record, length: record.hash.length },
      password,
      done: (digest) => {
        const right = digest !== undefined && equalInConstantTime(digest, record.hash);
        done(right ? "right" : "wrong");
      },
    });
    if (!accepted) setImmediate(done, "busy");
  }

  hash(
    recipe: HashRecipe,
    password: Uint8Array,
    done: (record: PasswordRecord | undefined) => void,
  ): void {
    const isArgon2 = recipe.kind === "argon2id";
    const salt = new Uint8Array(randomBytes(isArgon2 ? ARGON2_SALT_LENGTH : SALT_LENGTH));
    const length = isArgon2 ? ARGON2_LENGTH : SHA512_LENGTH;
    const accepted = this.#add({
      costs: { ...recipe, salt, length },
      password,
      done: (hash) => done(hash === undefined ? undefined : { ...recipe, salt, hash }),
    });
    if (!accepted) setImmediate(done, undefined);
  }

  #add(job: Job): boolean {
    if (this.#running >= this.#concurrency && this.#queue.length >= this.#longestQueue) {
      return false;
    }
    // The caller's buffer may be reused meanwhile.
    this.#queue.push({ ...job, password: job.password.slice() });
    this.#next();
    return true;
  }

  #next(): void {
    while (this.#running < this.#concurrency) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#running++;
      compute(job.costs, job.password, (digest) => {
        this.#running--;
        this.#next();
        job.done(digest);
      });
    }
  }
}

/** Calls `done` later, with undefined where the library refuses. */
function compute(
  costs: Costs,
  password: Uint8Array,
  done: (digest: Uint8Array | undefined) => void,
): void {
  const { salt, length } = costs;
  const finish = (error: Error | null, digest: Uint8Array): void =>
    done(error === null ? digest : undefined);
  try {
    switch (costs.kind) {
      case "sha512":
        // Takes no longer than handing it to a thread would.
        setImmediate(done, createHash("sha512").update(password).update(salt).digest());
        return;
      case "sha512-pbkdf2":
        pbkdf2(password, salt, costs.iterations, length, "sha512", finish);
        return;
      case "argon2id":
        argon2(
          "argon2id",
          {
            message: password,
            nonce: salt,
            parallelism: costs.parallelism,
            tagLength: length,
            memory: costs.memory,
            passes: costs.passes,
          },
          finish,
        );
        return;
    }
  } catch {
    setImmediate(done, undefined);
  }
}
