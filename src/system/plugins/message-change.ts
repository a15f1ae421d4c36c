/** What plugins see of a message, and what they make of it. */
import { encodeUtf8, isMqttText, utf8Length } from "../../bytes/utf8.ts";
import type { HookClient } from "../../seams/hooks.ts";
import { Message, type MessageProperties } from "../../seams/message.ts";
import type { MessageChange, PluginMessage } from "../../seams/plugin.ts";
import { isTopicName, LONGEST_TOPIC } from "../../topics/names.ts";

const NO_PROPERTIES: MessageProperties = Object.freeze({});
const LONGEST_TEXT = 65_535;
/** The longest that a packet can be, less what stands around the payload. */
const LONGEST_PAYLOAD = 268_000_000;

/** What a plugin is shown. The payload is the message's own by then: a plugin may keep it. */
export function shownMessage(
  message: Message,
  { clientId, username }: HookClient,
  will: boolean,
): PluginMessage {
  const { topic, payload, qos, retain, properties = NO_PROPERTIES } = message.keep();
  return { topic, payload, qos, retain, properties, publisher: { clientId, username }, will };
}

/** Whether messages may be published to this name; what is wrong with it, in words. */
export function topicProblem(topic: unknown, maxTopicLevels: number): string | undefined {
  const fits = typeof topic === "string" && isMqttText(topic) && utf8Length(topic) <= LONGEST_TOPIC;
  if (fits && isTopicName(topic, maxTopicLevels)) {
    return topic.startsWith("$CONTROL/") ? "the topic must not be under $CONTROL/" : undefined;
  }
  return "the topic must be a topic name";
}

/** The payload as bytes of its own; undefined where it is neither text nor bytes. */
export function payloadOf(payload: unknown): Uint8Array | undefined {
  if (typeof payload === "string") return encodeUtf8(payload);
  if (!(payload instanceof Uint8Array) || payload.length > LONGEST_PAYLOAD) return undefined;
  // Also where it is a Buffer, whose slices would be views.
  return new Uint8Array(payload);
}

/** The message as a plugin wants it, or what is wrong with its answer, in words. */
export function changedMessage(
  message: Message,
  answer: unknown,
  maxTopicLevels: number,
): Message | string {
  if (typeof answer !== "object" || answer === null) {
    return 'must answer nothing, "drop", or an object with what is to change';
  }
  const change = answer as MessageChange;
  const { topic = message.topic, retain = message.retain } = change;
  const trouble = topicProblem(topic, maxTopicLevels);
  if (trouble !== undefined) return trouble;
  if (typeof retain !== "boolean") return "retain must be true or false";
  const payload =
    change.payload === undefined || change.payload === message.payload
      ? message.payload
      : payloadOf(change.payload);
  if (payload === undefined) return "the payload must be a text or a Uint8Array";
  const properties = change.properties ?? message.properties;
  const wrong = properties === message.properties ? undefined : propertyProblem(properties);
  if (wrong !== undefined) return wrong;
  const { qos, expiresAt } = message;
  return new Message(topic, payload, qos, retain, false, copied(properties), expiresAt);
}

function copied(properties: MessageProperties | undefined): MessageProperties | undefined {
  if (properties === undefined || properties === NO_PROPERTIES) return undefined;
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } =
    properties;
  return {
    payloadFormatIndicator,
    contentType,
    responseTopic,
    correlationData: correlationData && new Uint8Array(correlationData),
    userProperties: userProperties?.map(([name, value]) => [name, value] as const),
  };
}

function propertyProblem(properties: unknown): string | undefined {
  if (typeof properties !== "object" || properties === null) return "properties must be an object";
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } =
    properties as MessageProperties;
  if (payloadFormatIndicator !== undefined && ![0, 1].includes(payloadFormatIndicator)) {
    return "payloadFormatIndicator must be 0 or 1";
  }
  if (contentType !== undefined && !isText(contentType)) return "contentType must be a text";
  if (responseTopic !== undefined) {
    const valid = isText(responseTopic) && isTopicName(responseTopic, LONGEST_TOPIC);
    if (!valid) return "responseTopic must be a topic name";
  }
  if (correlationData !== undefined) {
    const valid = correlationData instanceof Uint8Array && correlationData.length <= LONGEST_TEXT;
    if (!valid) return "correlationData must be a Uint8Array of at most 65535 bytes";
  }
  if (userProperties === undefined) return undefined;
  const valid =
    Array.isArray(userProperties) &&
    userProperties.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isText));
  return valid ? undefined : "userProperties must be a list of pairs of texts";
}

function isText(value: unknown): boolean {
  return typeof value === "string" && isMqttText(value) && utf8Length(value) <= LONGEST_TEXT;
}
