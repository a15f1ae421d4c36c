/** What a server said in CONNACK that it takes (MQTT 5.0 §3.2.2.3), and whether something fits it. */
import type { SubscriptionRequest } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";

export interface ServerLimits {
  /** QoS 1 and 2 publishes under way at a time [MQTT-3.3.4-7]. */
  readonly receiveMaximum: number;
  /** Bytes, fixed header included [MQTT-3.2.2-15]. */
  readonly maximumPacketSize: number;
  readonly maximumQos: QoS;
  readonly retainAvailable: boolean;
  /** Highest topic alias; 0 is none. */
  readonly topicAliasMaximum: number;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifierAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
}

/** The protocol's own limits: those of a server that named none, and of one before 5.0. */
export const NO_LIMITS: ServerLimits = {
  receiveMaximum: 65535,
  maximumPacketSize: Number.POSITIVE_INFINITY,
  maximumQos: 2,
  retainAvailable: true,
  topicAliasMaximum: 0,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifierAvailable: true,
  sharedSubscriptionAvailable: true,
};

export function limitsOf(connack: Properties | undefined): ServerLimits {
  if (connack === undefined) return NO_LIMITS;
  return {
    receiveMaximum: connack.receiveMaximum ?? NO_LIMITS.receiveMaximum,
    maximumPacketSize: connack.maximumPacketSize ?? NO_LIMITS.maximumPacketSize,
    maximumQos: (connack.maximumQos ?? NO_LIMITS.maximumQos) as QoS,
    retainAvailable: connack.retainAvailable !== 0,
    topicAliasMaximum: connack.topicAliasMaximum ?? NO_LIMITS.topicAliasMaximum,
    wildcardSubscriptionAvailable: connack.wildcardSubscriptionAvailable !== 0,
    subscriptionIdentifierAvailable: connack.subscriptionIdentifierAvailable !== 0,
    sharedSubscriptionAvailable: connack.sharedSubscriptionAvailable !== 0,
  };
}

/** The same with packets of this many bytes at most. */
export function lowered(limits: ServerLimits, longestPacket: number): ServerLimits {
  const maximumPacketSize = Math.min(limits.maximumPacketSize, longestPacket);
  return { ...limits, maximumPacketSize };
}

/** Why a server with these limits must not be sent such a PUBLISH; its size is another matter. */
export function publishFault(
  limits: ServerLimits,
  qos: QoS,
  retain: boolean,
  properties: Properties | undefined,
): ReasonCode | undefined {
  if (qos > limits.maximumQos) return Reason.qosNotSupported; // [MQTT-3.2.2-11]
  if (retain && !limits.retainAvailable) return Reason.retainNotSupported; // [MQTT-3.2.2-14]
  const alias = properties?.topicAlias ?? 0;
  return alias > limits.topicAliasMaximum ? Reason.topicAliasInvalid : undefined; // [MQTT-3.3.2-9]
}

const SHARED = "$share/";

/** Why a server with these limits must not be sent such a SUBSCRIBE; its size is another matter. */
export function subscribeFault(
  limits: ServerLimits,
  subscriptions: readonly SubscriptionRequest[],
  properties: Properties | undefined,
): ReasonCode | undefined {
  if (!limits.subscriptionIdentifierAvailable && properties?.subscriptionIdentifiers?.length) {
    return Reason.subscriptionIdentifiersNotSupported;
  }
  for (const { filter } of subscriptions) {
    if (!limits.sharedSubscriptionAvailable && filter.startsWith(SHARED)) {
      return Reason.sharedSubscriptionsNotSupported;
    }
    if (!limits.wildcardSubscriptionAvailable && /[+#]/.test(filter)) {
      return Reason.wildcardSubscriptionsNotSupported;
    }
  }
  return undefined;
}
