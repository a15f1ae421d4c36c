/** What the log says when a client goes: in Mosquitto's words, for those who watch logs. */
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Leaving } from "../seams/door.ts";

/** Ways to go that Mosquitto has words of its own for. */
const SENTENCES: Readonly<Record<string, string>> = {
  "closed its connection": "closed its connection.",
  "has exceeded timeout": "has exceeded timeout, disconnecting.",
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
  const detail = `(${why}, from ${remote})`;
  if (why.startsWith("is not authorised"))
    return `${client} disconnected, not authorised. (from ${remote})`;
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
