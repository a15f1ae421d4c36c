/** SCRAM-SHA-256 as a method of enhanced authentication, for the users of a password file. */
import { encodeBase64 } from "../bytes/base64.ts";
import { isMqttText } from "../bytes/utf8.ts";
import { Reason } from "../mqtt/reason-codes.ts";
import type { Credentials } from "../seams/access.ts";
import type { Log } from "../seams/log.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import {
  type ExtendedMethod,
  type MethodExchange,
  type MethodStep,
  REFUSED,
} from "./extended-method.ts";
import type { LoginAttempt, LoginThrottle } from "./login-throttle.ts";
import type { PasswordEntry } from "./password-file.ts";
import { saslPrep } from "./saslprep.ts";
import { ScramServer, strangersRecord } from "./scram.ts";
import type { ScramDigests, ScramRecord } from "./scram-record.ts";

export interface ScramMethodParts {
  /** The users as they are now, some of which have records of SCRAM. */
  readonly users: () => ReadonlyMap<string, PasswordEntry>;
  readonly digests: ScramDigests;
  /** So many random bytes. */
  readonly random: (count: number) => Uint8Array;
  /** What records for unknown users are derived from; the same as long as the password file lives. */
  readonly secret: Uint8Array;
  readonly throttle: LoginThrottle;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

export const SCRAM_SHA_256 = "SCRAM-SHA-256";
/** What records are like where there are none to take as a model: as `midge passwd` makes them. */
const ITERATIONS = 10_000;
const SALT_LENGTH = 16;
const NONCE_LENGTH = 18;

export class ScramMethod implements ExtendedMethod {
  readonly name = SCRAM_SHA_256;
  readonly #parts: ScramMethodParts;

  constructor(parts: ScramMethodParts) {
    this.#parts = parts;
  }

  begin(credentials: Credentials): MethodExchange {
    return new ScramExchange(this.#parts, credentials);
  }
}

interface Found {
  readonly username: string;
  readonly record: ScramRecord;
  /** The text of the record in the file; undefined where there is none. */
  readonly text: string | undefined;
}

class ScramExchange implements MethodExchange {
  readonly #parts: ScramMethodParts;
  readonly #credentials: Credentials;
  readonly #server: ScramServer;
  #stage: "first" | "asked" | "final" | "over" = "first";
  #found: Found | undefined;
  #attempt: LoginAttempt | undefined;
  #timer: Timer | undefined;

  constructor(parts: ScramMethodParts, credentials: Credentials) {
    this.#parts = parts;
    this.#credentials = credentials;
    const nonce = encodeBase64(parts.random(NONCE_LENGTH));
    this.#server = new ScramServer({ digests: parts.digests, nonce });
  }

  next(data: Uint8Array | undefined, answer: (step: MethodStep) => void): void {
    if (this.#stage === "final") this.#final(data ?? new Uint8Array(0), answer);
    else if (data !== undefined && data.length > 0) this.#first(data, answer);
    else if (this.#stage === "first") {
      // SASL (RFC 4422 §3): a client that has not begun is asked to.
      this.#stage = "asked";
      answer({ kind: "continue", data: undefined });
    } else this.#refuse("sent nothing", answer);
  }

  abandon(): void {
    this.#timer?.cancel();
    this.#attempt?.abandoned();
    this.#attempt = undefined;
  }

  #first(data: Uint8Array, answer: (step: MethodStep) => void): void {
    const outcome = this.#server.first(data);
    if (!outcome.ok) {
      this.#refuse(outcome.why, answer);
      return;
    }
    const name = saslPrep(outcome.username);
    const { address, username: expected } = this.#credentials;
    if (name === undefined || !isMqttText(name)) {
      this.#refuse("gave a name that cannot be one", answer);
      return;
    }
    const found = this.#find(outcome.username, name);
    if (expected !== undefined && expected !== found.username) {
      this.#refuse("gave another user name in CONNECT", answer);
      return;
    }
    const { throttle, scheduler } = this.#parts;
    const attempt = throttle.begin(address, found.username);
    if (attempt === undefined) {
      this.#stage = "over";
      answer({ kind: "refused", reason: Reason.serverBusy });
      return;
    }
    this.#attempt = attempt;
    this.#found = found;
    this.#stage = "final";
    const challenge = this.#server.challenge(found.record);
    const go = (): void => answer({ kind: "continue", data: challenge });
    if (attempt.wait > 0) this.#timer = scheduler.after(attempt.wait, go);
    else go();
  }

  #final(data: Uint8Array, answer: (step: MethodStep) => void): void {
    const attempt = this.#attempt;
    const found = this.#found as Found;
    this.#attempt = undefined;
    const outcome = this.#server.final(data);
    // The record may have been replaced, or the user removed, since the challenge was made.
    if (!outcome.ok || !this.#isStill(found)) {
      attempt?.failed();
      this.#refuse(outcome.ok ? "is gone from the password file" : outcome.why, answer);
      return;
    }
    attempt?.succeeded();
    this.#stage = "over";
    const { username } = found;
    answer({
      kind: "proved",
      username,
      data: outcome.data,
      stillValid: () => this.#isStill(found),
    });
  }

  #refuse(why: string, answer: (step: MethodStep) => void): void {
    this.#stage = "over";
    const { clientId, address } = this.#credentials;
    this.#parts.log.debug(`${SCRAM_SHA_256}: client ${clientId} at ${address} ${why}.`);
    answer(REFUSED);
  }

  /** The user's record, or one made up that nobody can tell from it. */
  #find(written: string, prepared: string): Found {
    const { users, secret, digests } = this.#parts;
    // Made in any case, so that the time does not tell whether it is needed.
    const stranger = strangersRecord(prepared, likeness(users()), secret, digests);
    for (const username of [written, prepared]) {
      const entry = users().get(username);
      if (entry?.record.kind === "scram-sha-256") {
        return { username, record: entry.record, text: entry.text };
      }
    }
    return { username: prepared, record: stranger, text: undefined };
  }

  #isStill({ username, text }: Found): boolean {
    return text !== undefined && this.#parts.users().get(username)?.text === text;
  }
}

interface Likeness {
  readonly iterations: number;
  readonly saltLength: number;
}

const likenesses = new WeakMap<ReadonlyMap<string, PasswordEntry>, Likeness>();

/** What the first record of SCRAM is like: all were most likely made by one program. */
function likeness(users: ReadonlyMap<string, PasswordEntry>): Likeness {
  let like = likenesses.get(users);
  if (like === undefined) {
    like = { iterations: ITERATIONS, saltLength: SALT_LENGTH };
    for (const { record } of users.values()) {
      if (record.kind !== "scram-sha-256") continue;
      like = { iterations: record.iterations, saltLength: record.salt.length };
      break;
    }
    likenesses.set(users, like);
  }
  return like;
}
