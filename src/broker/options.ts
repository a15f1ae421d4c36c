/** What a broker can be told. */
import type { QueuePolicy } from "../seams/door.ts";

export interface BrokerOptions {
  /** Shown in `$SYS/broker/version`. */
  readonly version: string;
  /** QoS 1 and 2 messages on their way to one MQTT client at a time. */
  readonly maxInflightMessages: number;
  /** Payload bytes of those; 0 is no limit. One message always goes out. */
  readonly maxInflightBytes: number;
  /** QoS 1 and 2 messages that a client of MQTT 5.0 may have on their way to the broker at a time. */
  readonly receiveMaximum: number;
  /** Longest payload passed on, bytes; 0 is no limit. */
  readonly messageSizeLimit: number;
  /** Deliver a message once for each subscription of a session that matches. */
  readonly allowDuplicateMessages: boolean;
  /** Messages queued for one session beyond those in flight; 0 is no limit. */
  readonly maxQueuedMessages: number;
  /** Payload bytes queued for one session; 0 is no limit. */
  readonly maxQueuedBytes: number;
  /** How long a message may wait for one session, seconds; 0 is no limit. */
  readonly maxQueuedAge: number;
  readonly queuePolicy: QueuePolicy;
  /** Deliver at the QoS of the subscription even where the message was published at a lower one. */
  readonly upgradeOutgoingQos: boolean;
  /** Topic aliases that a client of MQTT 5.0 may use towards the broker. */
  readonly maxTopicAlias: number;
  /** Topic aliases that the broker uses towards a client, if that allows as many. */
  readonly maxTopicAliasBroker: number;
  /** Between two searches for retained messages that have expired, ms; 0 is none. */
  readonly retainSweep: number;
  /** Queue QoS 0 messages too for persistent sessions whose client is away. */
  readonly queueQos0Messages: boolean;
  /** Longest packet taken from an MQTT client, bytes. */
  readonly maxPacketSize: number;
  /** Longest keep alive accepted, seconds. */
  readonly maxKeepAlive: number;
  /** Levels that a topic name or filter may have. */
  readonly maxTopicLevels: number;
  readonly retainAvailable: boolean;
  /** Keep back retained messages of those who may not publish there any more. */
  readonly checkRetainSource: boolean;
  /** A session whose client has been away this long is ended, ms; 0 is never. */
  readonly sessionExpiry: number;
  /** Clients connected at a time, over all listeners; 0 is no limit. */
  readonly maxConnections: number;
  /** Where clients of MQTT 5.0 are sent when there is no room for them, or the broker stops (§4.11); "" is nowhere. */
  readonly serverReference: string;
  /** Sessions, those of clients that are away included; 0 is no limit. */
  readonly maxClients: number;
  /** Between updates of `$SYS`, ms; 0 turns it off. */
  readonly sysInterval: number;
  /** A connection without CONNECT is closed after this, ms. */
  readonly connectTimeout: number;
  /**
   * How long a durable recipient that is connected may take to acknowledge before the message is
   * written to the store on its behalf, ms.
   */
  readonly custodyGrace: number;
}

export const DEFAULT_BROKER_OPTIONS: BrokerOptions = {
  version: "0",
  maxInflightMessages: 20,
  maxInflightBytes: 0,
  receiveMaximum: 20,
  messageSizeLimit: 0,
  allowDuplicateMessages: false,
  maxQueuedMessages: 1000,
  maxQueuedBytes: 0,
  maxQueuedAge: 0,
  queuePolicy: "drop-newest",
  upgradeOutgoingQos: false,
  maxTopicAlias: 10,
  maxTopicAliasBroker: 10,
  retainSweep: 0,
  queueQos0Messages: false,
  maxPacketSize: 2_000_000,
  maxKeepAlive: 65535,
  maxTopicLevels: 200,
  retainAvailable: true,
  checkRetainSource: true,
  sessionExpiry: 0,
  maxConnections: 0,
  serverReference: "",
  maxClients: 0,
  sysInterval: 10_000,
  connectTimeout: 10_000,
  custodyGrace: 50,
};
