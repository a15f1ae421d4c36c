/** How passwords are hashed and checked: a core asks, whoever has the threads answers later. */
import type { PasswordRecord } from "./password-records.ts";

/** What a new record is to be like. */
export type HashRecipe =
  | { readonly kind: "sha512" }
  | { readonly kind: "sha512-pbkdf2"; readonly iterations: number }
  | { readonly kind: "scram-sha-256"; readonly iterations: number }
  | {
      readonly kind: "argon2id";
      /** Memory, KiB. */
      readonly memory: number;
      readonly passes: number;
      readonly parallelism: number;
    };

/** "busy": too many wait already; nothing was checked. */
export type PasswordVerdict = "right" | "wrong" | "busy";

export interface PasswordHasher {
  /** Calls `done` once, never from within this call. */
  verify(
    record: PasswordRecord,
    password: Uint8Array,
    done: (verdict: PasswordVerdict) => void,
  ): void;
  /** Makes a record with a new salt. Calls `done` once, never from within this call; undefined is "busy". */
  hash(
    recipe: HashRecipe,
    password: Uint8Array,
    done: (record: PasswordRecord | undefined) => void,
  ): void;
}

/**
 * What passwords are stored as unless told otherwise: about 10 ms of one core of a desktop machine,
 * so that a thousand clients that reconnect at once are all in within the time that they wait.
 */
export const DEFAULT_RECIPE = { kind: "sha512-pbkdf2", iterations: 10_000 } as const;
