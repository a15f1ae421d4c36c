/** What a reader ran into, once a packet is read. */
import type { ByteReader } from "../bytes/byte-reader.ts";
import { type DecodeFault, malformed } from "./decode-fault.ts";

/** `kind` names the packet for the log. */
export function readFault(reader: ByteReader, kind: string): DecodeFault | undefined {
  if (reader.overrun) return malformed(`${kind} is cut off`);
  if (reader.badText) return malformed(`${kind} holds a string that is not valid UTF-8 for MQTT`);
  if (reader.remaining > 0) return malformed(`${kind} has ${reader.remaining} bytes too many`);
  return undefined;
}
