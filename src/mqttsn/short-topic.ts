/** Short topic names: two octets in the TopicId field of a PUBLISH (MQTT-SN 1.2 §6.7). */
import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.ts";

const octets = new Uint8Array(2);

/** The name that a TopicId of type "short" holds, or undefined where its octets are no MQTT text. */
export function shortTopicName(topicId: number): string | undefined {
  octets[0] = topicId >>> 8;
  octets[1] = topicId;
  return decodeUtf8(octets, 0, 2);
}

/** The TopicId that holds `name`, or undefined where the name is not of exactly two octets. */
export function shortTopicId(name: string): number | undefined {
  if (name.length > 2) return undefined;
  const bytes = encodeUtf8(name);
  if (bytes.length !== 2) return undefined;
  return ((bytes[0] as number) << 8) | (bytes[1] as number);
}
