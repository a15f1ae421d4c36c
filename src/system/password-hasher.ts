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
import { preparedPassword } from "../auth/saslprep.ts";
import { SHA256_LENGTH, scramKeys } from "../auth/scram-record.ts";
import { NODE_DIGESTS } from "./scram-digests.ts";

export interface PasswordHasherOptions {
  /** How many are computed at the same time. */
  readonly concurrency?: number | undefined;
  /** How many may wait beyond those. */
  readonly waiting?: number | undefined;
}

/** A digest to compute: how, and how long. */
type Costs = HashRecipe & { readonly salt: Uint8Array; readonly length: number };

interface Job {
  readonly costs: Costs;
  readonly password: Uint8Array;
  readonly done: (digest: Uint8Array | undefined) => void;
}

/** Mosquitto 2.0 reads records with salts of this length only. */
const SALT_LENGTH = 12;
/** Argon2id and SCRAM-SHA-256, which Mosquitto 2.0 does not read at all. */
const LONG_SALT_LENGTH = 16;
/** Of argon2id and of SCRAM-SHA-256. */
const SHORT_LENGTH = 32;
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
      costs: { ...record, length: "hash" in record ? record.hash.length : SHA256_LENGTH },
      password,
      done: (digest) => done(digest !== undefined && fits(digest, record) ? "right" : "wrong"),
    });
    if (!accepted) setImmediate(done, "busy");
  }

  hash(
    recipe: HashRecipe,
    password: Uint8Array,
    done: (record: PasswordRecord | undefined) => void,
  ): void {
    const { kind } = recipe;
    const long = kind === "argon2id" || kind === "scram-sha-256";
    const salt = new Uint8Array(randomBytes(long ? LONG_SALT_LENGTH : SALT_LENGTH));
    const length = long ? SHORT_LENGTH : SHA512_LENGTH;
    const accepted = this.#add({
      costs: { ...recipe, salt, length },
      password,
      done: (digest) => done(digest === undefined ? undefined : recordOf(recipe, salt, digest)),
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

function recordOf(recipe: HashRecipe, salt: Uint8Array, digest: Uint8Array): PasswordRecord {
  return recipe.kind === "scram-sha-256"
    ? { ...recipe, salt, ...scramKeys(digest, NODE_DIGESTS) }
    : { ...recipe, salt, hash: digest };
}

function fits(digest: Uint8Array, record: PasswordRecord): boolean {
  return record.kind === "scram-sha-256"
    ? equalInConstantTime(scramKeys(digest, NODE_DIGESTS).storedKey, record.storedKey)
    : equalInConstantTime(digest, record.hash);
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
      case "scram-sha-256":
        pbkdf2(preparedPassword(password), salt, costs.iterations, length, "sha256", finish);
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
