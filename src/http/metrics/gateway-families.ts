/** Metrics of the MQTT-SN gateway: nodes by state, and its links by name. */
import type { LinkCounters } from "../../gateway/link-state.ts";
import { FAULT_CAUSES } from "../../mqttsn/packets.ts";
import type { LinkFacts, MetricFacts } from "../facts.ts";
import type { Family, Sample } from "./family.ts";

function ofLinks(read: (link: LinkFacts) => number) {
  return ({ links }: MetricFacts): Sample[] =>
    links.map((link) => ({ value: read(link), labels: { link: link.name } }));
}

const COUNTERS: readonly (readonly [keyof LinkCounters, string, string])[] = [
  ["framesIn", "received_frames", "Frames received."],
  ["framesOut", "sent_frames", "Frames sent."],
  ["bytesIn", "received_bytes", "Bytes of the frames received."],
  ["bytesOut", "sent_bytes", "Bytes of the frames sent."],
  ["unknownSenders", "unknown_senders", "Messages from addresses without a node."],
  [
    "dropped",
    "dropped_messages",
    "Messages that could not go to a node, or of QoS -1 on to others.",
  ],
  ["refused", "refused_connects", "CONNECTs that were not accepted."],
  ["throttled", "throttled_frames", "Frames over a rate limit, dropped unread."],
  ["retransmissions", "retransmissions", "Messages that went to nodes again, as no answer came."],
];

/** Of what lines count, that which the links count as well. */
const COUNTED_ELSEWHERE: ReadonlySet<string> = new Set(["bytesIn", "bytesOut"]);

export const GATEWAY_FAMILIES: readonly Family[] = [
  {
    name: "midge_nodes",
    help: "MQTT-SN nodes by state.",
    type: "gauge",
    labels: ["state"],
    samples: ({ nodes = {} }) =>
      Object.entries(nodes).map(([state, value]) => ({ value, labels: { state } })),
  },
  {
    name: "midge_link_up",
    help: "Whether a link is open.",
    type: "gauge",
    labels: ["link"],
    samples: ofLinks(({ isOpen }) => (isOpen ? 1 : 0)),
  },
  {
    name: "midge_link_nodes",
    help: "Nodes that are connected on a link, or connecting.",
    type: "gauge",
    labels: ["link"],
    samples: ofLinks(({ nodes }) => nodes),
  },
  {
    name: "midge_link_bad_frames_total",
    help: "Frames that were no message for a gateway, by what was wrong with them.",
    type: "counter",
    labels: ["link", "cause"],
    samples: ({ links }) =>
      links.flatMap(({ name, faults }) =>
        FAULT_CAUSES.map((cause) => ({ value: faults[cause] ?? 0, labels: { link: name, cause } })),
      ),
  },
  ...COUNTERS.map(
    ([name, words, help]): Family => ({
      name: `midge_link_${words}_total`,
      help,
      type: "counter",
      labels: ["link"],
      samples: ofLinks(({ counters }) => counters[name]),
    }),
  ),
  {
    name: "midge_link_line_events_total",
    help: "What a serial line or radio counted: openings, bytes given up by cause, failed transmissions.",
    type: "counter",
    labels: ["link", "event"],
    samples: ({ links }) =>
      links.flatMap(({ name, line }) =>
        Object.entries(line)
          .filter(([event]) => !COUNTED_ELSEWHERE.has(event))
          .map(([event, value]) => ({ value, labels: { link: name, event } })),
      ),
  },
];
