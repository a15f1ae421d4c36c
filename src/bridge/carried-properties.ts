/** The properties of MQTT 5.0 that go with a message over a bridge, both ways. */
import type { Properties } from "../mqtt/properties.ts";
import type { Message, MessageProperties } from "../seams/message.ts";
import type { Marks } from "./marks.ts";
import type { TopicMap } from "./topic-map.ts";

/**
 * For the remote broker; undefined where there are none. `now`: monotonic ms, which what is left of the
 * message's expiry interval is counted from [MQTT-3.3.2-6].
 */
export function outgoingProperties(
  { properties, expiresAt }: Message,
  topics: TopicMap,
  marks: Marks,
  now: number,
): Properties | undefined {
  const userProperties = marks.outgoing(properties?.userProperties);
  if (properties === undefined && userProperties === undefined && expiresAt === undefined) {
    return undefined;
  }
  const { responseTopic } = properties ?? {};
  return {
    ...properties,
    userProperties,
    responseTopic: responseTopic && topics.responseToRemote(responseTopic),
    messageExpiryInterval:
      expiresAt === undefined ? undefined : Math.max(0, Math.ceil((expiresAt - now) / 1000)),
  };
}

/** For this broker; undefined where there are none. */
export function incomingProperties(
  properties: Properties | undefined,
  topics: TopicMap,
  marks: Marks,
): MessageProperties | undefined {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData } = properties ?? {};
  const userProperties = marks.incoming(properties?.userProperties);
  const all = [
    payloadFormatIndicator,
    contentType,
    responseTopic,
    correlationData,
    userProperties,
  ] as const;
  if (all.every((one) => one === undefined)) return undefined;
  return {
    payloadFormatIndicator,
    contentType,
    responseTopic: responseTopic && topics.responseToLocal(responseTopic),
    correlationData,
    userProperties,
  };
}
