/** Enhanced authentication of MQTT 5.0 (§4.12): an exchange of data by a method, instead of a password alone. */
import type { ReasonCode } from "../mqtt/reason-codes.ts";
import type { Admission } from "./access.ts";

/** One exchange, from CONNECT or a re-authentication to its end. */
export interface ExtendedExchange {
  /**
   * The client's Authentication Data: of CONNECT first, then of each AUTH. Calls `answer` once, within
   * the call or later, and is not called again before.
   */
  next(data: Uint8Array | undefined, answer: (step: ExtendedStep) => void): void;
  /** Nobody wants an answer any more. Not called after "done" and "refused". */
  abandon(): void;
}

export type ExtendedStep =
  | { readonly kind: "continue"; readonly data: Uint8Array | undefined }
  | {
      readonly kind: "done";
      /** For the client, with the news that it is in. */
      readonly data: Uint8Array | undefined;
      readonly admission: Admission & { readonly ok: true };
    }
  | { readonly kind: "refused"; readonly reason: ReasonCode };
