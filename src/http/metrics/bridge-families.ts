/** Metrics of the bridges, by name, and of the broker that nodes are passed on to. */
import type { BridgeCounters } from "../../bridge/bridge-counters.ts";
import { BRIDGE_STATES } from "../../bridge/bridge-state.ts";
import type { BridgeFacts, MetricFacts } from "../facts.ts";
import { type Family, gauge, type Sample, stateSamples } from "./family.ts";

function ofBridges(read: (bridge: BridgeFacts) => number) {
  return ({ bridges }: MetricFacts): Sample[] =>
    bridges.map((bridge) => ({ value: read(bridge), labels: { bridge: bridge.name } }));
}

const COUNTERS: readonly (readonly [keyof BridgeCounters, string, string])[] = [
  ["sent", "sent_messages", "Messages sent to the other broker, repetitions included."],
  ["received", "received_messages", "Messages taken from the other broker, repetitions included."],
  ["refused", "refused_messages", "Messages of the other broker that were not taken here."],
  [
    "queueRefused",
    "refused_publishes",
    "Messages that their publishers were refused, since no more may wait for the other broker.",
  ],
  ["looped", "looped_messages", "Messages that had been here before, and were stopped."],
  ["connects", "connects", "Connections that the other broker accepted."],
  ["failures", "failures", "Attempts to connect that failed, and connections that broke."],
];

/** Why messages for the other broker were dropped: `remote` is what it cannot, or may not, be sent. */
const DROPS: readonly (readonly [string, keyof BridgeCounters])[] = [
  ["remote", "dropped"],
  ["queue_full", "queueDroppedFull"],
  ["too_old", "queueDroppedAge"],
];

export const BRIDGE_FAMILIES: readonly Family[] = [
  {
    name: "midge_bridge_state",
    help: "State of a bridge: 1 for the one that holds. idle is one that has nothing to carry.",
    type: "gauge",
    labels: ["bridge", "state"],
    samples: ({ bridges }) =>
      bridges.flatMap(({ name, state }) => stateSamples(BRIDGE_STATES, state, { bridge: name })),
  },
  {
    name: "midge_bridge_queued_messages",
    help: "Messages that wait for the other broker or are on their way to it.",
    type: "gauge",
    labels: ["bridge"],
    samples: ofBridges(({ queued }) => queued),
  },
  {
    name: "midge_bridge_queued_bytes",
    help: "Payload bytes of those messages.",
    type: "gauge",
    labels: ["bridge"],
    samples: ofBridges(({ queuedBytes }) => queuedBytes),
  },
  {
    name: "midge_bridge_dropped_messages_total",
    help: "Messages for the other broker that were dropped, by the reason: remote is what it cannot, or may not, be sent.",
    type: "counter",
    labels: ["bridge", "reason"],
    samples: ({ bridges }) =>
      bridges.flatMap(({ name, counters }) =>
        DROPS.map(([reason, counter]) => ({
          value: counters[counter],
          labels: { bridge: name, reason },
        })),
      ),
  },
  ...COUNTERS.map(
    ([name, words, help]): Family => ({
      name: `midge_bridge_${words}_total`,
      help,
      type: "counter",
      labels: ["bridge"],
      samples: ofBridges(({ counters }) => counters[name]),
    }),
  ),
  gauge(
    "midge_upstream_up",
    "Whether the broker that nodes are passed on to can be reached.",
    ({ upstreamReachable }) =>
      upstreamReachable === undefined ? undefined : Number(upstreamReachable),
  ),
];
