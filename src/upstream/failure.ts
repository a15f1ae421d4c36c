/** Why the upstream broker is out of reach for a client, in the words of MQTT 5.0. */
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import { describeEnding, type Ending } from "../mqtt-client/ending.ts";

export interface Failure {
  readonly reason: ReasonCode;
  readonly text: string;
  /** Trying again will not help. */
  readonly final: boolean;
}

/** CONNACK return codes of MQTT 3.1.1 (§3.2.2.3). */
const RETURN_CODES: Readonly<Record<number, ReasonCode>> = {
  1: Reason.unsupportedProtocolVersion,
  2: Reason.clientIdentifierNotValid,
  3: Reason.serverUnavailable,
  4: Reason.badUserNameOrPassword,
  5: Reason.notAuthorized,
};

/** What whoever connects has to change first. */
const FINAL: ReadonlySet<number> = new Set([
  Reason.unsupportedProtocolVersion,
  Reason.clientIdentifierNotValid,
  Reason.badUserNameOrPassword,
  Reason.notAuthorized,
  Reason.banned,
  Reason.badAuthenticationMethod,
  Reason.sessionTakenOver,
]);

export function unreachable(text: string): Failure {
  return { reason: Reason.serverUnavailable, text, final: false };
}

export function failureOf(ending: Ending): Failure {
  const text = describeEnding(ending);
  const code =
    ending.kind === "refused"
      ? ending.returnCode
      : ending.kind === "disconnected"
        ? ending.reasonCode
        : 0;
  const reason = isFailure(code) ? (code as ReasonCode) : RETURN_CODES[code];
  return { reason: reason ?? Reason.serverUnavailable, text, final: FINAL.has(reason ?? 0) };
}
