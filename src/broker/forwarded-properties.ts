/** What of a publication's properties goes on to those who receive it. */
import type { Properties } from "../mqtt/properties.ts";
import type { MessageProperties } from "../seams/message.ts";

/** Unchanged, and user properties in their order [MQTT-3.3.2-17, MQTT-3.3.2-18]; undefined where there are none. */
export function forwardedProperties(properties: Properties): MessageProperties | undefined {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } =
    properties;
  const any =
    payloadFormatIndicator !== undefined ||
    contentType !== undefined ||
    responseTopic !== undefined ||
    correlationData !== undefined ||
    userProperties !== undefined;
  return any
    ? { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties }
    : undefined;
}
