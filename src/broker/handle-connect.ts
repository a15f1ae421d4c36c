/** CONNECT [MQTT-3.1] and its answer [MQTT-3.2]. */
import type { ConnackPacket, ConnectPacket } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Admission, Credentials } from "../seams/access.ts";
import type { Will } from "../seams/door.ts";
import { isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import type { Connection } from "./connection.ts";
import { whyNotAdmitted } from "./farewell.ts";
import { forwardedProperties } from "./forwarded-properties.ts";
import { beginAuthentication } from "./handle-auth.ts";
import { mountTopic } from "./mount-point.ts";
import { sentLine, willLines } from "./packet-log.ts";
import { reasonSentence } from "./reason-strings.ts";

/** Return codes of 3.1.1 §3.2.2.3 for the reasons for which a client is refused. */
const RETURN_CODES: Readonly<Partial<Record<ReasonCode, number>>> = {
  [Reason.unsupportedProtocolVersion]: 1,
  [Reason.clientIdentifierNotValid]: 2,
  [Reason.serverUnavailable]: 3,
  [Reason.serverBusy]: 3,
  [Reason.quotaExceeded]: 3,
  [Reason.useAnotherServer]: 3,
  [Reason.serverMoved]: 3,
  [Reason.badUserNameOrPassword]: 4,
  [Reason.notAuthorized]: 5,
  [Reason.banned]: 5,
};

/** max_keepalive of this value is no limit: no keep alive can be longer. */
const LONGEST_KEEP_ALIVE = 65535;
/** Session Expiry Interval that means never. */
const FOR_GOOD = 0xffffffff;

interface Refusal {
  readonly reason: ReasonCode;
  /** For the log. */
  readonly why: string;
  /** For a client of MQTT 5.0 that asks why; undefined is what `reason` and `why` come to. */
  readonly sentence?: string | undefined;
  /** Where the client is to go; undefined is where the broker sends everyone. */
  readonly serverReference?: string | undefined;
}

export function handleConnect(connection: Connection, packet: ConnectPacket): void {
  connection.packet = packet;
  connection.level = packet.level;
  connection.broker.counters.connects++;
  const clientId = clientIdOf(connection, packet);
  const refusal = refusalOf(connection, packet, clientId);
  if (refusal !== undefined) {
    refuse(connection, refusal);
    return;
  }
  const credentials = credentialsOf(connection, packet, clientId);
  if (packet.properties?.authenticationMethod !== undefined) {
    beginAuthentication(connection, credentials, {
      enter: (admission, data) =>
        enter(connection, packet, admission.clientId ?? clientId, admission, data),
      refuse: (reason, why) => refuse(connection, { reason, why }),
    });
    return;
  }
  const { broker, policy } = connection;
  const { access } = broker;
  if (access === undefined) {
    if (policy.allowAnonymous) enter(connection, packet, clientId, undefined);
    else
      refuse(connection, {
        reason: Reason.notAuthorized,
        why: "is not authorised: this listener has no anonymous access",
      });
    return;
  }
  let answered = false;
  connection.hold();
  access.admit(credentials, (admission) => {
    if (answered || connection.ended) return;
    answered = true;
    if (admission.ok) enter(connection, packet, admission.clientId ?? clientId, admission);
    else refuse(connection, { ...admission, why: whyNotAdmitted(admission.reason) });
    connection.unhold();
  });
}

function credentialsOf(
  { policy, wire }: Connection,
  { username, password }: ConnectPacket,
  clientId: string,
): Credentials {
  return {
    clientId,
    username: wire.identity?.username ?? username,
    password,
    verified: wire.identity?.verified === true,
    address: wire.address,
    listener: policy.name,
    origin: policy.origin,
  };
}

function refusalOf(
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): Refusal | undefined {
  const { broker, policy } = connection;
  const { maxTopicLevels } = broker.options;
  const { level, will } = packet;
  if (policy.levels !== undefined && !policy.levels.includes(level)) {
    const why = `speaks protocol level ${level}, which is not served here`;
    return { reason: Reason.unsupportedProtocolVersion, why };
  }
  if (clientId === "") {
    return { reason: Reason.clientIdentifierNotValid, why: "gave no client identifier" };
  }
  const { clientIdPrefixes = [] } = policy;
  if (clientIdPrefixes.length > 0 && !clientIdPrefixes.some((one) => clientId.startsWith(one))) {
    return {
      reason: Reason.clientIdentifierNotValid,
      why: "gave a client identifier that is not let in",
    };
  }
  if (will !== undefined && mountTopic(policy.mountPoint ?? "", will.topic) === undefined) {
    return { reason: Reason.topicNameInvalid, why: "gave a will topic that is too long" };
  }
  if (will !== undefined && !isTopicName(will.topic, maxTopicLevels)) {
    return { reason: topicFault(will.topic), why: "gave a will topic that is not a topic name" };
  }
  const response = will?.properties?.responseTopic;
  if (response !== undefined && !isTopicName(response, maxTopicLevels)) {
    // [MQTT-3.3.2-14]: those who receive the will could not take it.
    return { reason: Reason.protocolError, why: "gave a will with a response topic that is none" };
  }
  if (will !== undefined && policy.maxQos !== undefined && will.qos > policy.maxQos) {
    return { reason: Reason.qosNotSupported, why: `gave a will of QoS ${will.qos}` }; // [MQTT-3.2.2-12]
  }
  if (will?.retain === true && !broker.options.retainAvailable) {
    return { reason: Reason.retainNotSupported, why: "gave a retained will" }; // [MQTT-3.2.2-13]
  }
  if (level < 5 && isTooLong(packet.keepAlive, longestKeepAlive(connection))) {
    // Before 5.0 a server cannot set a keep alive of its own; Mosquitto answers the same.
    return {
      reason: Reason.clientIdentifierNotValid,
      why: `asked for keep alive ${packet.keepAlive}`,
    };
  }
  if (broker.memoryFull) return { reason: Reason.quotaExceeded, why: "finds no memory left" };
  return crowdOf(connection, clientId);
}

/** Refuses who is one client too many, over all listeners or for this one; who takes a session over is none. */
function crowdOf({ broker, policy }: Connection, clientId: string): Refusal | undefined {
  const { maxConnections: most, serverReference } = broker.options;
  const { maxConnections: mostHere = Infinity, name } = policy;
  const isFull = most > 0 && broker.connected >= most;
  if (!isFull && broker.listenerCounts.of(name) < mostHere) return undefined;
  if (broker.sessions.get(clientId)?.peer !== undefined) return undefined;
  return {
    reason: serverReference === "" ? Reason.serverBusy : Reason.useAnotherServer,
    why: isFull ? "is one more than global_max_connections" : "is one more than max_connections",
    sentence: "The server has as many clients as it may have.",
  };
}

/** Why a topic name is not taken: it is none, or it has too many levels (§3.2.2.2, §3.14.2.1). */
export function topicFault(topic: string): ReasonCode {
  return isTopicName(topic, LONGEST_TOPIC) ? Reason.topicNameInvalid : Reason.malformedPacket;
}

function longestKeepAlive({ broker, policy }: Connection): number {
  return Math.min(broker.options.maxKeepAlive, policy.maxKeepAlive ?? LONGEST_KEEP_ALIVE);
}

function isTooLong(keepAlive: number, longest: number): boolean {
  return keepAlive > longest || (keepAlive === 0 && longest < LONGEST_KEEP_ALIVE);
}

/** "" where the client gives none and must. */
function clientIdOf(connection: Connection, packet: ConnectPacket): string {
  const { policy, wire } = connection;
  if (policy.usernameAsClientId === true) return wire.identity?.username ?? packet.username ?? "";
  if (packet.clientId !== "") return packet.clientId;
  // [MQTT-3.1.3-6 to -8]; MQTT 3.1 has no empty identifiers, and 3.1.1 none for kept sessions.
  const mayBeEmpty = packet.level === 5 || (packet.level === 4 && packet.cleanStart);
  return mayBeEmpty && policy.refuseEmptyClientId !== true ? inventClientId(connection) : "";
}

/** Seconds for which a session is kept; undefined is for good. */
export function expiryOf(interval: number): number | undefined {
  return interval === FOR_GOOD ? undefined : interval;
}

function enter(
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
  admission: (Admission & { ok: true }) | undefined,
  authenticationData?: Uint8Array,
): void {
  const { broker, policy, wire } = connection;
  const { level, cleanStart, properties = {} } = packet;
  const { maxInflightMessages } = broker.options;
  // Others have come in while this one's password was checked.
  const crowd = crowdOf(connection, clientId);
  if (crowd !== undefined) {
    refuse(connection, crowd);
    return;
  }
  const longest = longestKeepAlive(connection);
  const keepAlive = isTooLong(packet.keepAlive, longest) ? longest : packet.keepAlive;
  const interval = properties.sessionExpiryInterval ?? 0;
  const username = admission === undefined ? packet.username : admission.username;
  const entry = broker.enter(
    {
      clientId,
      cleanStart,
      persistent: level === 5 ? interval > 0 : !cleanStart,
      sessionExpiry: level === 5 ? expiryOf(interval) : undefined,
      origin: policy.origin,
      remote: wire.remote,
      username,
      rights: admission?.rights,
      will: willOf(connection, packet, keepAlive),
      receiveMaximum: Math.min(maxInflightMessages, properties.receiveMaximum ?? 65535),
      queueQos0: broker.options.queueQos0Messages,
      bridge: packet.bridge,
    },
    connection,
  );
  if (!entry.ok) {
    refuse(connection, { reason: entry.reason, why: "was refused" });
    return;
  }
  const connack: ConnackPacket = {
    kind: "connack",
    // MQTT 3.1 has a reserved byte where 3.1.1 has the flag.
    sessionPresent: level > 3 && entry.sessionPresent,
    returnCode: Reason.success,
    properties:
      level === 5
        ? {
            ...answerProperties(connection, packet, clientId, keepAlive),
            authenticationMethod: properties.authenticationMethod, // [MQTT-4.12.0-5]
            authenticationData,
          }
        : undefined,
  };
  connection.send(connack);
  if (connection.ended) {
    // It takes packets of a length that no CONNACK has.
    entry.client.leave("normal");
    return;
  }
  const user = username === undefined ? "" : `, u'${username}'`;
  const version = level === 3 ? 1 : level === 4 ? 2 : 5;
  broker.log.connection(
    `New client connected from ${wire.remote} as ${clientId} (p${version}, c${cleanStart ? 1 : 0}, k${keepAlive}${user}).`,
  );
  if (broker.log.debugging) {
    for (const line of willLines(willOf(connection, packet, keepAlive))) broker.log.debug(line);
    broker.log.debug(sentLine(clientId, connack));
  }
  connection.begin(entry.client, {
    level,
    keepAlive,
    maximumPacketSize: properties.maximumPacketSize,
    topicAliasMaximum: Math.min(
      properties.topicAliasMaximum ?? 0,
      connection.policy.maxTopicAliasBroker ?? broker.options.maxTopicAliasBroker,
    ),
  });
}

/** What CONNACK says: limits, and what differs from what the client asked for (§3.2.2.3). */
function answerProperties(
  { broker, policy }: Connection,
  packet: ConnectPacket,
  clientId: string,
  keepAlive: number,
): Properties {
  const { maxPacketSize, receiveMaximum, retainAvailable, sessionExpiry } = broker.options;
  const maxTopicAlias = policy.maxTopicAlias ?? broker.options.maxTopicAlias;
  const longest = sessionExpiry > 0 ? Math.floor(sessionExpiry / 1000) : FOR_GOOD;
  const asked = packet.properties?.sessionExpiryInterval ?? 0;
  return {
    topicAliasMaximum: maxTopicAlias > 0 ? maxTopicAlias : undefined,
    sessionExpiryInterval: asked > longest ? longest : undefined,
    assignedClientIdentifier: packet.clientId === clientId ? undefined : clientId, // [MQTT-3.2.2-16]
    serverKeepAlive: keepAlive === packet.keepAlive ? undefined : keepAlive,
    maximumPacketSize: maxPacketSize,
    receiveMaximum: receiveMaximum < 65535 ? receiveMaximum : undefined,
    maximumQos: policy.maxQos !== undefined && policy.maxQos < 2 ? policy.maxQos : undefined,
    retainAvailable: retainAvailable ? undefined : 0,
  };
}

/** `keepAlive` is what was agreed on, seconds. */
function willOf(
  { mountPoint }: Connection,
  { will }: ConnectPacket,
  keepAlive: number,
): Will | undefined {
  if (will === undefined) return undefined;
  const { topic, payload, qos, retain, properties } = will;
  return {
    topic: mountPoint + topic,
    payload,
    qos,
    retain,
    delay: properties?.willDelayInterval,
    keepAlive,
    messageExpiry: properties?.messageExpiryInterval,
    properties: properties === undefined ? undefined : forwardedProperties(properties),
  };
}

function refuse(connection: Connection, refusal: Refusal): void {
  const { reason, why, sentence = reasonSentence(reason, why), serverReference } = refusal;
  const is5 = connection.level === 5;
  const returnCode = is5 ? reason : RETURN_CODES[reason];
  // Where no code of 3.1.1 fits there is no CONNACK either [MQTT-3.2.2-6].
  if (returnCode !== undefined) {
    const properties = is5 ? connection.explain(reason, sentence, serverReference) : undefined;
    connection.send({ kind: "connack", sessionPresent: false, returnCode, properties });
  }
  connection.close("lost", why);
}

/** A client identifier for someone who gave none: a prefix and 32 hexadecimal digits. */
function inventClientId({ random, policy }: Connection): string {
  let digits = "";
  while (digits.length < 32) {
    digits += Math.floor(random() * 0x10000)
      .toString(16)
      .padStart(4, "0");
  }
  return `${policy.autoIdPrefix ?? "auto-"}${digits}`;
}
