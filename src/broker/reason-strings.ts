/**
 * What a client of MQTT 5.0 that asks for problem information is told beside a reason code: one short
 * English sentence for the people who run it.
 */
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";

/** Where the words of the log would not do: they take the server's point of view, or there are none. */
const SENTENCES: Readonly<Partial<Record<ReasonCode, string>>> = {
  [Reason.badUserNameOrPassword]: "The user name or the password is wrong.",
  [Reason.serverBusy]: "The server is busy; try again later.",
  [Reason.banned]: "The client is banned.",
  [Reason.serverShuttingDown]: "The server is shutting down.",
  [Reason.badAuthenticationMethod]: "The authentication method is not known here.",
  [Reason.keepAliveTimeout]: "No packet came within one and a half times the keep alive.",
  [Reason.sessionTakenOver]: "Another connection has taken over the session.",
  [Reason.packetIdentifierNotFound]: "The packet identifier is not in use.",
  [Reason.administrativeAction]: "The connection was ended by whoever manages the server.",
  [Reason.quotaExceeded]: "The server has no room for more.",
  [Reason.useAnotherServer]: "Another server is to be used.",
};

/** Of what a client sent, no more than this is sent back, characters. */
const LONGEST_QUOTE = 80;
const LONGEST_SENTENCE = 250;

/**
 * The sentence that goes with a refusal. `why` is what the log says of the client, as "gave no client
 * identifier"; "" if it says nothing. Undefined where there is nothing to say.
 */
export function reasonSentence(reason: ReasonCode, why: string): string | undefined {
  return SENTENCES[reason] ?? (why === "" ? undefined : shortened(`The client ${why}`));
}

/** What a decoder found wrong, as a sentence. */
export function faultSentence(detail: string): string {
  return shortened(`${detail.charAt(0).toUpperCase()}${detail.slice(1)}`);
}

/** A topic or a filter in quotes, cut off if it is long. */
export function quoted(text: string): string {
  return `"${cut(text, LONGEST_QUOTE)}"`;
}

function shortened(text: string): string {
  return `${cut(text, LONGEST_SENTENCE)}.`;
}

/** Never between the two halves of one character: the rest would not be UTF-8. */
function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const last = text.charCodeAt(longest - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? longest - 1 : longest;
  return `${text.slice(0, end)}…`;
}
