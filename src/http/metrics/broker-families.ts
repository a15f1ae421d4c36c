/** Metrics of the broker: messages, clients, what is held for them, and whether Midge is well. */
import type { Counters } from "../../broker/counters.ts";
import type { MetricFacts } from "../facts.ts";
import { HEALTH_STATUSES, healthOf } from "../health.ts";
import { counter, type Family, gauge, type Sample } from "./family.ts";

type Count = (facts: MetricFacts) => number;

function counted(name: keyof Counters): Count {
  return ({ traffic }) => traffic.counters[name];
}

/** Why messages were dropped. */
const DROPS: Readonly<Record<string, (counters: Counters) => number>> = {
  queue_full: ({ queueDroppedFull }) => queueDroppedFull,
  too_old: ({ queueDroppedAge }) => queueDroppedAge,
  other: ({ publishDropped, queueDroppedFull, queueDroppedAge }) =>
    Math.max(0, publishDropped - queueDroppedFull - queueDroppedAge),
};

const TRAFFIC: readonly Family[] = [
  counter(
    "midge_publish_received_total",
    "PUBLISH packets received from clients, nodes and bridges.",
    counted("publishReceived"),
  ),
  counter(
    "midge_publish_sent_total",
    "PUBLISH packets sent to clients, nodes and bridges, repetitions included.",
    counted("publishSent"),
  ),
  {
    name: "midge_publish_dropped_total",
    help: "Messages that were not delivered, by the reason: other is too long for the broker, lost with the store, or missed by a slow client.",
    type: "counter",
    labels: ["reason"],
    samples: ({ traffic }) =>
      Object.entries(DROPS).map(([reason, read]) => ({
        value: read(traffic.counters),
        labels: { reason },
      })),
  },
  counter(
    "midge_publish_refused_total",
    "Messages that were refused since a recipient had no room.",
    counted("queueRefused"),
  ),
  counter(
    "midge_publish_received_bytes_total",
    "Payload bytes of the PUBLISH packets received.",
    counted("publishBytesReceived"),
  ),
  counter(
    "midge_publish_sent_bytes_total",
    "Payload bytes of the PUBLISH packets sent.",
    counted("publishBytesSent"),
  ),
  counter(
    "midge_packets_received_total",
    "MQTT packets of all kinds received.",
    counted("messagesReceived"),
  ),
  counter("midge_packets_sent_total", "MQTT packets of all kinds sent.", counted("messagesSent")),
  counter("midge_received_bytes_total", "Bytes of MQTT received.", counted("bytesReceived")),
  counter("midge_sent_bytes_total", "Bytes of MQTT sent.", counted("bytesSent")),
];

const CLIENTS: readonly Family[] = [
  {
    name: "midge_clients",
    help: "Sessions, by the way their clients came in by and whether they are connected or away.",
    type: "gauge",
    labels: ["origin", "state"],
    samples: ({ traffic }) =>
      Object.entries(traffic.sessions.origins).flatMap(([origin, { connected, away }]) => [
        { value: connected, labels: { origin, state: "connected" } },
        { value: away, labels: { origin, state: "away" } },
      ]),
  },
  gauge(
    "midge_sessions_persistent",
    "Sessions that are kept when their clients leave.",
    ({ traffic }) => traffic.sessions.persistent,
  ),
  counter(
    "midge_sessions_expired_total",
    "Sessions that were ended as their clients stayed away too long.",
    counted("sessionsExpired"),
  ),
  counter(
    "midge_connections_total",
    "Connections that clients have opened, whatever became of them.",
    counted("connections"),
  ),
  counter("midge_connects_total", "CONNECT packets received.", counted("connects")),
  {
    name: "midge_listener_up",
    help: "Whether a listener takes connections.",
    type: "gauge",
    labels: ["listener"],
    samples: ({ listeners }) =>
      listeners.map(({ name, isListening }) => ofListener(name, isListening ? 1 : 0)),
  },
  {
    name: "midge_listener_connections",
    help: "Open connections of a listener, those that are arriving included.",
    type: "gauge",
    labels: ["listener"],
    samples: ({ listeners }) =>
      listeners.map(({ name, connections }) => ofListener(name, connections)),
  },
];

const HELD: readonly Family[] = [
  gauge(
    "midge_subscriptions",
    "Subscriptions of all sessions.",
    ({ traffic }) => traffic.subscriptions,
  ),
  gauge(
    "midge_shared_subscriptions",
    "Shared subscriptions of all sessions.",
    ({ traffic }) => traffic.sharedSubscriptions,
  ),
  gauge("midge_retained_messages", "Retained messages.", ({ traffic }) => traffic.retained),
  gauge(
    "midge_retained_bytes",
    "Payload bytes of the retained messages.",
    ({ traffic }) => traffic.retainedBytes,
  ),
  gauge(
    "midge_inflight_messages",
    "Messages that were sent, or are about to be, and are not acknowledged.",
    ({ traffic }) => traffic.sessions.inflight,
  ),
  gauge(
    "midge_inflight_bytes",
    "Payload bytes of the messages in flight.",
    ({ traffic }) => traffic.sessions.inflightBytes,
  ),
  gauge(
    "midge_queued_messages",
    "Messages that wait for clients, nodes and bridges; one for several counts for each.",
    ({ traffic }) => traffic.sessions.queued,
  ),
  gauge(
    "midge_queued_bytes",
    "Payload bytes of the messages that wait.",
    ({ traffic }) => traffic.sessions.queuedBytes,
  ),
];

const SELF: readonly Family[] = [
  {
    name: "midge_build_info",
    help: "Always 1; the version is the label.",
    type: "gauge",
    labels: ["version"],
    samples: ({ version }) => [{ value: 1, labels: { version } }],
  },
  {
    name: "midge_health",
    help: "Health as /api/v1/health tells it: 1 for the status that holds.",
    type: "gauge",
    labels: ["status"],
    samples: (facts) => {
      const { status: current } = healthOf(facts);
      return HEALTH_STATUSES.map((status) => ({
        value: status === current ? 1 : 0,
        labels: { status },
      }));
    },
  },
  gauge("midge_uptime_seconds", "Since the start.", ({ uptime }) => uptime),
  gauge(
    "midge_memory_full",
    "1 while Midge takes more memory than broker.memory_limit allows.",
    ({ entry }) => (entry.memoryFull ? 1 : 0),
  ),
];

export const BROKER_FAMILIES: readonly Family[] = [...SELF, ...TRAFFIC, ...CLIENTS, ...HELD];

function ofListener(listener: string, value: number): Sample {
  return { value, labels: { listener } };
}
