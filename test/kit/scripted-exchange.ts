/**
 * Access control with one method of enhanced authentication, "WORDS", in which the client says itself
 * how it goes on: "ask WORD" is answered by a challenge of that word, "be NAME" by success, "fail" by a
 * refusal. Anything after "later " is answered only when the test says so.
 */
import { Reason, type ReasonCode } from "../../src/mqtt/reason-codes.ts";
import type { Credentials } from "../../src/seams/access.ts";
import type { ExtendedExchange, ExtendedStep } from "../../src/seams/extended-authentication.ts";
import { ScriptedAccess } from "./scripted-access.ts";

export const METHOD = "WORDS";

export class ScriptedExchanges extends ScriptedAccess {
  /** The method is there; a test may take it away. */
  available = true;
  /** What "fail" is refused with. */
  failure: ReasonCode = Reason.notAuthorized;
  abandoned = 0;
  readonly begun: Credentials[] = [];
  readonly #later: (() => void)[] = [];

  extended(method: string, credentials: Credentials): ExtendedExchange | undefined {
    if (method !== METHOD || !this.available) return undefined;
    this.begun.push(credentials);
    return {
      next: (data, answer) => this.#next(data, credentials, answer),
      abandon: () => {
        this.abandoned++;
      },
    };
  }

  /** Gives the answers that wait. */
  answerNow(): void {
    for (const answer of this.#later.splice(0)) answer();
  }

  #next(
    data: Uint8Array | undefined,
    credentials: Credentials,
    answer: (step: ExtendedStep) => void,
  ): void {
    const text = data === undefined ? "ask nothing" : new TextDecoder().decode(data);
    const later = text.startsWith("later ");
    const [verb, word = ""] = (later ? text.slice(6) : text).split(" ");
    const give = (): void => {
      if (verb === "ask") answer({ kind: "continue", data: bytesOf(word) });
      else if (verb === "be") this.#admit(word, credentials, answer);
      else answer({ kind: "refused", reason: this.failure });
    };
    if (later) this.#later.push(give);
    else give();
  }

  #admit(username: string, credentials: Credentials, answer: (step: ExtendedStep) => void): void {
    this.admit({ ...credentials, username, verified: true }, (admission) => {
      if (admission.ok) answer({ kind: "done", data: bytesOf(`welcome ${username}`), admission });
      else answer({ kind: "refused", reason: admission.reason });
    });
  }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
