/**
 * What a link of a chain offers in enhanced authentication: a method finds out who somebody is, and
 * the chain then says what that user may do, as for one who comes with a certificate.
 */
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Access, Credentials } from "../seams/access.ts";
import type { ExtendedExchange, ExtendedStep } from "../seams/extended-authentication.ts";

export interface ExtendedMethod {
  /** The Authentication Method of CONNECT. */
  readonly name: string;
  begin(credentials: Credentials): MethodExchange;
}

export interface MethodExchange {
  /** Calls `answer` once, within the call or later; not called again before. */
  next(data: Uint8Array | undefined, answer: (step: MethodStep) => void): void;
  /** Nobody wants an answer any more. Not called after "proved" and "refused". */
  abandon(): void;
}

export type MethodStep =
  | { readonly kind: "continue"; readonly data: Uint8Array | undefined }
  | {
      readonly kind: "proved";
      readonly username: string;
      readonly data: Uint8Array | undefined;
      /** Whether it would still be proved: asked when something has changed. */
      readonly stillValid?: (() => boolean) | undefined;
    }
  | { readonly kind: "refused"; readonly reason: ReasonCode };

export const REFUSED: MethodStep = { kind: "refused", reason: Reason.notAuthorized };

export interface AdmittedExchangeParts {
  readonly exchange: MethodExchange;
  readonly credentials: Credentials;
  /** Whoever is proved to be somebody is admitted here. */
  readonly access: Access;
}

export class AdmittedExchange implements ExtendedExchange {
  readonly #parts: AdmittedExchangeParts;

  constructor(parts: AdmittedExchangeParts) {
    this.#parts = parts;
  }

  next(data: Uint8Array | undefined, answer: (step: ExtendedStep) => void): void {
    const { exchange, credentials, access } = this.#parts;
    exchange.next(data, (step) => {
      if (step.kind !== "proved") {
        answer(step);
        return;
      }
      const { username, stillValid: stillVerified } = step;
      const proved = { ...credentials, username, password: undefined, verified: true };
      access.admit({ ...proved, stillVerified }, (admission) => {
        if (admission.ok) answer({ kind: "done", data: step.data, admission });
        else answer({ kind: "refused", reason: admission.reason });
      });
    });
  }

  abandon(): void {
    this.#parts.exchange.abandon();
  }
}
