/** What a user is told, and what the program ends with, when a connection fails or is lost. */
import { isFailure, Reason } from "../mqtt/reason-codes.ts";
import { details, type Ending, refusalText } from "../mqtt-client/ending.ts";
import { reasonText } from "../mqtt-client/reason-text.ts";
import { Exit } from "./exit-codes.ts";

export interface LinkProblem {
  readonly exitCode: number;
  readonly message: string;
  /** Connecting again may help. */
  readonly passing: boolean;
}

/** What to do about what TLS did not like, by the TLS library's codes. */
const ADVICE: Readonly<Record<string, string>> = {
  CERTIFICATE_REQUIRED: "Give one with --cert and --key.",
  CERT_HAS_EXPIRED: "The broker needs a new one.",
  CERT_UNTRUSTED: "Name the file of its CA with --cafile.",
  DEPTH_ZERO_SELF_SIGNED_CERT: "To trust it, name its file with --cafile.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "Connect by one of those names, or for a test go without this check with --insecure.",
  ERR_SSL_WRONG_VERSION_NUMBER: "Is it the right port?",
  HANDSHAKE_FAILURE: "Does it want --cert and --key, or --psk?",
  SELF_SIGNED_CERT_IN_CHAIN: "Name the file of its CA with --cafile.",
  UNABLE_TO_GET_ISSUER_CERT: "Name the file of its CA with --cafile.",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "Name the file of its CA with --cafile.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "Name the file of its CA with --cafile.",
};

/** `tlsProblem`: the code of what TLS did not like, if it came to that. */
export function dialProblem(
  where: string,
  cause: string,
  tlsProblem: string | undefined,
): LinkProblem {
  const message = `Error: cannot connect to ${where}: ${cause}`;
  if (tlsProblem === undefined) return { exitCode: Exit.failure, message, passing: true };
  const advice = ADVICE[tlsProblem];
  const whole = advice === undefined ? message : `${message}. ${advice}`;
  return { exitCode: Exit.tls, message: whole, passing: true };
}

/** Good-byes of a broker after which it may take the client in again. */
const PASSING: ReadonlySet<number> = new Set([
  Reason.success,
  Reason.unspecifiedError,
  Reason.implementationSpecificError,
  Reason.serverBusy,
  Reason.serverShuttingDown,
  Reason.keepAliveTimeout,
  Reason.messageRateTooHigh,
  Reason.quotaExceeded,
  Reason.administrativeAction,
  Reason.connectionRateExceeded,
  Reason.maximumConnectTime,
]);

/**
 * undefined where this side wanted the end. `wasConnected`: the broker had accepted the client before.
 * `tls`: over TLS.
 */
export function endingProblem(
  ending: Ending,
  wasConnected: boolean,
  tls: boolean,
): LinkProblem | undefined {
  switch (ending.kind) {
    case "refused":
      return { exitCode: ending.returnCode, message: refusal(ending), passing: false };
    case "disconnected": {
      const { reasonCode, properties } = ending;
      const why = `${reasonText(reasonCode)}${details(properties)}`;
      const message = `Error: The broker has disconnected this client: ${why}.`;
      return { exitCode: Exit.disconnected, message, passing: PASSING.has(reasonCode) };
    }
    case "lost": {
      const why = ending.cause === undefined ? "" : `: ${ending.cause}`;
      const when = wasConnected ? "" : " before the broker answered";
      const hint = tls
        ? "Does it want a certificate (--cert, --key)?"
        : "Does it want TLS or WebSocket on that port?";
      const advice = wasConnected ? "" : ` ${hint}`;
      const message = `Error: The connection was lost${when}${why}.${advice}`;
      return { exitCode: Exit.lost, message, passing: wasConnected };
    }
    case "silent":
      return {
        exitCode: Exit.keepAlive,
        message: `Error: The broker is silent: ${ending.detail}.`,
        passing: false,
      };
    case "fault": {
      const hint = wasConnected ? "" : " Is it an MQTT port?";
      const message = `Error: The broker broke the protocol: ${ending.detail}.${hint}`;
      return { exitCode: Exit.protocol, message, passing: false };
    }
    case "done":
      return undefined;
  }
}

function refusal({ returnCode, properties }: Ending & { kind: "refused" }): string {
  if (!isFailure(returnCode)) {
    return `Connection error: Connection Refused: ${refusalText(returnCode)}.`;
  }
  const what = `Connection error: ${reasonText(returnCode)}${details(properties)}`;
  return returnCode === Reason.unsupportedProtocolVersion
    ? `${what}. Try an MQTT 5.0 broker, or an older version with -V mqttv311.`
    : what;
}
