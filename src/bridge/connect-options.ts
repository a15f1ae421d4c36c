/** What a bridge says in CONNECT. */
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { ProtocolLevel } from "../mqtt/packet-types.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { MqttClientOptions } from "../mqtt-client/mqtt-client.ts";
import type { BridgeOptions } from "./options.ts";

/** A user name and password, and how long they are worth anything. */
export interface Login {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** ms from now on; undefined is for good. */
  readonly validFor?: number | undefined;
}

const LEVELS: Readonly<Record<BridgeOptions["protocol"], ProtocolLevel>> = {
  mqttv31: 3,
  mqttv311: 4,
  mqttv50: 5,
};
/** As many as there are packet identifiers: the protocol's own limit, which is not told. */
const NO_RECEIVE_MAXIMUM = 65_535;

/** `marked`: as a bridge. */
export function connectOptions(
  options: BridgeOptions,
  { username, password }: Login,
  marked: boolean,
): MqttClientOptions {
  const level = LEVELS[options.protocol];
  const { outgoingPacketSize, cleanSession } = options;
  return {
    level,
    bridge: marked,
    clientId: options.remoteClientId,
    cleanSession,
    keepAlive: options.keepAlive,
    will: willOf(options),
    username,
    password: password === undefined ? undefined : encodeUtf8(password),
    maximumPacketSize: options.maximumPacketSize,
    longestSent: outgoingPacketSize === 0 ? undefined : outgoingPacketSize,
    properties: level === 5 ? propertiesOf(options) : undefined,
    takesExcess: true,
  };
}

/** Its good-bye, if it cannot say that itself. */
function willOf(options: BridgeOptions): MqttClientOptions["will"] {
  const { notifications, notificationsLocalOnly, notificationTopic } = options;
  if (!notifications || notificationsLocalOnly) return undefined;
  return {
    topic: notificationTopic,
    payload: encodeUtf8("0"),
    qos: Math.min(1, options.maximumQos) as QoS,
    retain: options.outgoingRetain,
  };
}

function propertiesOf(options: BridgeOptions): MqttClientOptions["properties"] {
  const { cleanSession, sessionExpiry, receiveMaximum, topicAliasMaximum } = options;
  return {
    ...(cleanSession ? {} : { sessionExpiryInterval: sessionExpiry }),
    ...(receiveMaximum < NO_RECEIVE_MAXIMUM ? { receiveMaximum } : {}),
    ...(topicAliasMaximum > 0 ? { topicAliasMaximum } : {}),
  };
}
