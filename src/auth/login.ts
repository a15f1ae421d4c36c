/** One client's login: asks the links of its listener's chain, and slows down who guesses. */
import type { Credentials } from "../seams/access.ts";
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { Authentication, Authenticator } from "./access-chain.ts";
import type { LoginAttempt, LoginThrottle } from "./login-throttle.ts";
import { DEFAULT_RECIPE, type PasswordHasher } from "./password-hasher.ts";
import { type PasswordRecord, SHA512_LENGTH } from "./password-records.ts";

export interface LoginParts {
  readonly throttle: LoginThrottle;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

type Answer = (authentication: Authentication) => void;

/** Between log lines about guessing, ms. */
const TELL_INTERVAL = 10_000;
/** What unknown users are checked against where no user is known to take as a model. */
const DECOY: PasswordRecord = {
  ...DEFAULT_RECIPE,
  salt: new Uint8Array(12),
  hash: new Uint8Array(SHA512_LENGTH),
};

export class Login {
  readonly #parts: LoginParts;
  #turnedAway = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(parts: LoginParts) {
    this.#parts = parts;
  }

  /** Answers "allow", "deny", "busy" or "elsewhere", once, within the call or later. */
  authenticate(
    links: readonly Authenticator[],
    credentials: Credentials,
    allowAnonymous: () => boolean,
    answer: Answer,
  ): void {
    const { username, password, address, verified } = credentials;
    const conclude = (authentication: Authentication): Authentication =>
      concluded(authentication, credentials, allowAnonymous);
    if (username === undefined || password === undefined || verified || links.length === 0) {
      askLinks(links, credentials, (authentication) => answer(conclude(authentication)));
      return;
    }
    const attempt = this.#parts.throttle.begin(address, username);
    if (attempt === undefined) {
      this.#tellOfGuessing(address);
      answer({ verdict: "busy" });
      return;
    }
    const check = (): void =>
      askLinks(links, credentials, (authentication) => {
        const outcome = conclude(authentication);
        if (outcome.verdict === "deny" && authentication.verdict !== "deny") {
          this.#refuseStranger(links, password, attempt, () => answer(outcome));
          return;
        }
        account(attempt, authentication);
        answer(outcome);
      });
    if (attempt.wait > 0) this.#parts.scheduler.after(attempt.wait, check);
    else check();
  }

  /** An unknown user takes as long to refuse as a known one. */
  #refuseStranger(
    links: readonly Authenticator[],
    password: Uint8Array,
    attempt: LoginAttempt,
    done: () => void,
  ): void {
    const model = links.find(({ decoy }) => decoy !== undefined)?.decoy;
    this.#parts.hasher.verify(model ?? DECOY, password, () => {
      attempt.failed();
      done();
    });
  }

  /** One line for many: whoever guesses must not fill the log. */
  #tellOfGuessing(address: string): void {
    const now = this.#parts.clock.now();
    this.#turnedAway++;
    if (now - this.#toldAt < TELL_INTERVAL) return;
    const count = this.#turnedAway === 1 ? "" : ` (${this.#turnedAway} by now)`;
    this.#parts.log.warn(`Turned away ${address}, after too many wrong passwords${count}.`);
    this.#toldAt = now;
    this.#turnedAway = 0;
  }
}

function account(attempt: LoginAttempt, { verdict }: Authentication): void {
  if (verdict === "allow") attempt.succeeded();
  else if (verdict === "deny") attempt.failed();
  else attempt.abandoned();
}

/** Asks one link after the other until one decides. */
function askLinks(
  links: readonly Authenticator[],
  credentials: Credentials,
  answer: Answer,
  at = 0,
  deferred = false,
): void {
  const link = links[at];
  if (link === undefined) {
    answer({ verdict: deferred ? "defer" : "ignore" });
    return;
  }
  link.authenticate(credentials, (authentication) => {
    const { verdict } = authentication;
    const undecided = verdict === "defer" || verdict === "ignore";
    if (!undecided) answer(authentication);
    else askLinks(links, credentials, answer, at + 1, deferred || verdict === "defer");
  });
}

/** What it means where no link has decided. */
function concluded(
  authentication: Authentication,
  { username, verified, stillVerified }: Credentials,
  allowAnonymous: () => boolean,
): Authentication {
  const { verdict } = authentication;
  if (verdict !== "defer" && verdict !== "ignore") return authentication;
  if (verified) return { verdict: "allow", stillValid: stillVerified };
  // Where nobody asks for passwords, whoever may be anonymous may as well give a name.
  const mayPass = username === undefined || verdict === "ignore";
  if (!mayPass || !allowAnonymous()) return { verdict: "deny" };
  return { verdict: "allow", stillValid: allowAnonymous };
}
