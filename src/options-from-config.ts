/** From the configuration's words to what the parts are told. */
import { hostname } from "node:os";
import { type BridgeOptions, bridgeOptions } from "./bridge/options.ts";
import type { BrokerOptions } from "./broker/options.ts";
import { DEFAULT_BROKER_OPTIONS } from "./broker/options.ts";
import { bridgeClientIds } from "./config/bridge-client-ids.ts";
import type { BridgeConfig, Config, LinkConfig } from "./config/schema.ts";
import { DEFAULT_GATEWAY_OPTIONS, type GatewayOptions, type LinkRules } from "./gateway/options.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export function brokerOptionsFrom(
  { access, broker, store }: Config,
  version: string,
): BrokerOptions {
  return {
    ...DEFAULT_BROKER_OPTIONS,
    version,
    maxInflightMessages: broker.max_inflight_messages,
    maxQueuedMessages: broker.max_queued_messages,
    maxQueuedBytes: broker.max_queued_bytes,
    maxQueuedAge: broker.max_queued_age,
    queuePolicy: broker.queue_policy,
    maxInflightBytes: broker.max_inflight_bytes,
    receiveMaximum: broker.receive_maximum,
    messageSizeLimit: broker.message_size_limit,
    allowDuplicateMessages: broker.allow_duplicate_messages,
    upgradeOutgoingQos: broker.upgrade_outgoing_qos,
    maxTopicAlias: broker.max_topic_alias,
    maxTopicAliasBroker: broker.max_topic_alias_broker,
    retainSweep: broker.retain_expiry_interval * MINUTE,
    maxClients: Math.max(0, broker.global_max_clients),
    queueQos0Messages: broker.queue_qos0_messages,
    maxPacketSize: broker.max_packet_size,
    maxKeepAlive: broker.max_keepalive === 0 ? 65_535 : broker.max_keepalive,
    maxTopicLevels: broker.max_topic_levels,
    retainAvailable: broker.retain_available,
    checkRetainSource: access.check_retain_source,
    sessionExpiry: broker.persistent_client_expiration * SECOND,
    sysInterval: broker.sys_interval * SECOND,
    connectTimeout: broker.connect_timeout * SECOND,
    maxConnections: Math.max(0, broker.global_max_connections),
    serverReference: broker.server_reference,
    custodyGrace: store.mode === "strict" ? store.grace : 0,
  };
}

export function gatewayOptionsFrom({
  broker,
  gateway,
  link,
  node,
  predefined_topic,
}: Config): GatewayOptions {
  return {
    ...DEFAULT_GATEWAY_OPTIONS,
    gatewayId: gateway.id,
    advertiseInterval: gateway.advertise_interval,
    maxNodes: gateway.max_nodes,
    maxTopicIds: gateway.max_topic_ids,
    maxTopicLevels: broker.max_topic_levels,
    strictClientId: gateway.strict_client_id,
    queueQos0: gateway.queue_qos0,
    qosMinusOne: gateway.qos_minus_one,
    qosMinusOneClientId: gateway.qos_minus_one_client_id,
    admission: gateway.admission,
    knownNodes: node.map((one) => ({ clientId: one.client_id, link: one.link })),
    links: new Map(link.map((one) => [one.name, linkRulesFrom(one)])),
    qosMinusOneFrom: gateway.qos_minus_one_from,
    username: gateway.username,
    addressRate: { perSecond: gateway.address_rate, burst: gateway.address_burst },
    nodeRate: { perSecond: gateway.node_rate, burst: gateway.node_burst },
    connectRate: { perSecond: gateway.connect_rate, burst: gateway.connect_burst },
    maxBufferedBytes: gateway.max_buffered_bytes,
    maxBufferedBytesTotal: gateway.max_buffered_bytes_total,
    predefinedTopics: predefined_topic,
    reportInterval: gateway.report_interval,
  };
}

function linkRulesFrom({ admission, max_nodes, username }: LinkConfig): LinkRules {
  return { admission, maxNodes: max_nodes, username };
}

export function bridgeOptionsFrom(bridge: BridgeConfig, config: Config): BridgeOptions {
  const ids = bridgeClientIds(bridge, hostname());
  return bridgeOptions({
    name: bridge.name,
    addresses: bridge.address,
    topics: bridge.topic.map((rule) => ({
      pattern: rule.pattern,
      direction: rule.direction,
      qos: rule.qos,
      localPrefix: rule.local_prefix,
      remotePrefix: rule.remote_prefix,
    })),
    exclude: bridge.exclude,
    remoteClientId: ids.remote,
    localClientId: ids.local,
    ...(bridge.local_username === "" ? {} : { localUsername: bridge.local_username }),
    ...(bridge.username === "" ? {} : { username: bridge.username }),
    ...(bridge.password === "" ? {} : { password: bridge.password }),
    ...bridgeConnectionFrom(bridge),
    ...bridgeLimitsFrom(bridge),
    queueQos0: config.broker.queue_qos0_messages,
    maximumPacketSize: config.broker.max_packet_size,
    reportInterval: config.broker.sys_interval * SECOND,
  });
}

function bridgeConnectionFrom(bridge: BridgeConfig): Partial<BridgeOptions> {
  return {
    protocol: bridge.protocol,
    startType: bridge.start_type,
    threshold: bridge.threshold,
    idleTimeout: bridge.idle_timeout * SECOND,
    keepAlive: bridge.keepalive,
    cleanSession: bridge.clean_session,
    localCleanSession: bridge.local_clean_session,
    sessionExpiry: bridge.session_expiry_interval,
    tryPrivate: bridge.try_private,
    attemptUnsubscribe: bridge.attempt_unsubscribe,
    roundRobin: bridge.round_robin,
    notifications: bridge.notifications,
    notificationsLocalOnly: bridge.notifications_local_only,
    ...(bridge.notification_topic === "" ? {} : { notificationTopic: bridge.notification_topic }),
    restartBase: bridge.restart_timeout * SECOND,
    restartCap: bridge.restart_timeout_cap * SECOND,
    restartStable: bridge.restart_timeout_stable * SECOND,
  };
}

function bridgeLimitsFrom(bridge: BridgeConfig): Partial<BridgeOptions> {
  return {
    maxInflight: bridge.max_inflight_messages,
    receiveMaximum: bridge.receive_maximum,
    topicAliasMaximum: bridge.max_topic_alias,
    maxQueuedMessages: bridge.max_queued_messages,
    maxQueuedBytes: bridge.max_queued_bytes,
    maxQueuedAge: bridge.max_queued_age,
    queuePolicy: bridge.queue_policy,
    backlog: bridge.backlog,
    outgoingPacketSize: bridge.max_packet_size,
    maximumTopicLength: bridge.max_topic_length,
    maximumTopicLevels: bridge.max_topic_levels,
    maximumQos: bridge.max_qos,
    maximumRate: bridge.max_rate,
    outgoingRetain: bridge.outgoing_retain,
    ageProperty: bridge.age_property,
    loopMark: bridge.loop_mark,
  };
}
