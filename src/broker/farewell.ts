/** What the log says when a client goes: in Mosquitto's words, for those who watch logs. */
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Leaving } from "../seams/door.ts";

/** Ways to go that Mosquitto has words of its own for. */
const SENTENCES: Readonly<Record<string, string>> = {
  "closed its connection": "closed its connection.",
  "has exceeded timeout": "has exceeded timeout, disconnecting.",
};

const NOT_AUTHORISED = "disconnected, not authorised.";

/** What is said of a client that others have sent away. */
export const EVICTIONS: Partial<Record<ReasonCode, string>> = {
  [Reason.administrativeAction]: "been disconnected by administrative action.",
  [Reason.notAuthorized]: NOT_AUTHORISED,
};

/** `why` is in words; `reason` is what the client is told, if it is. */
export function farewell(
  clientId: string | undefined,
  remote: string,
  how: Leaving,
  why: string,
  reason: ReasonCode | undefined,
): string {
  const client = `Client ${clientId ?? "<unknown>"}`;
  if (how === "normal") return `${client} disconnected.`;
  const sentence = SENTENCES[why];
  if (sentence !== undefined && clientId !== undefined) return `${client} ${sentence}`;
  if (isNotAuthorised(why)) return `${client} ${NOT_AUTHORISED}`;
  const detail = `(${why}, from ${remote})`;
  switch (reason) {
    case Reason.malformedPacket:
      return `${client} disconnected due to malformed packet. ${detail}`;
    case Reason.packetTooLarge:
      return `${client} disconnected due to oversize packet. ${detail}`;
    case undefined:
      return `${client} disconnected. ${detail}`;
    default:
      return `${client} disconnected due to protocol error. ${detail}`;
  }
}

/**
 * What is said of a client that has never come in. A wrong password has two lines: Mosquitto 2.0's, which
 * the filter that comes with fail2ban looks for right after `New connection from`, and that of
 * Mosquitto 2.1, with the address for filters that read one line only.
 */
export function refusal(
  clientId: string | undefined,
  remote: string,
  how: Leaving,
  why: string,
  reason: ReasonCode | undefined,
): readonly string[] {
  if (!isNotAuthorised(why)) return [farewell(clientId, remote, how, why, reason)];
  const name = clientId ?? "<unknown>";
  return [
    farewell(undefined, remote, how, why, reason),
    `Client ${name} [${remote}] disconnected: not authorised.`,
  ];
}

/** Why access control has not let a client in: whoever watches for guessers must not take others for one. */
export function whyNotAdmitted(reason: ReasonCode): string {
  switch (reason) {
    case Reason.serverBusy:
      return "could not be checked now";
    case Reason.useAnotherServer:
    case Reason.serverMoved:
      return "is to go to another server";
    default:
      return "is not authorised";
  }
}

function isNotAuthorised(why: string): boolean {
  return why.startsWith("is not authorised");
}
