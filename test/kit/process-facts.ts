/** Facts of a Midge that is well, and has little to do, for tests to change. */
import { zeroBridgeCounters } from "../../src/bridge/bridge-counters.ts";
import { zeroCounters } from "../../src/broker/counters.ts";
import { tallySessions } from "../../src/broker/session-tally.ts";
import type { BridgeFacts, LinkFacts, MetricFacts, StoreFacts } from "../../src/http/facts.ts";

export const STORE: StoreFacts = {
  state: "ok",
  problem: undefined,
  commits: 12,
  bytes: 3400,
  unsafe: 2,
  unsafeAge: 1500,
  unsafeLimit: 15_000,
  today: 40_960,
  perYear: 1_000_000_000,
  free: 8_000_000_000,
  reserve: 16_000_000,
  damaged: [],
};

export const LINK: LinkFacts = {
  name: "udp",
  isOpen: true,
  isOptional: false,
  nodes: 3,
  counters: {
    framesIn: 10,
    framesOut: 8,
    bytesIn: 100,
    bytesOut: 80,
    faults: 1,
    unknownSenders: 0,
    dropped: 0,
    refused: 0,
    throttled: 0,
    retransmissions: 2,
  },
  faults: { truncated: 1 },
  line: {},
};

export const BRIDGE: BridgeFacts = {
  name: "cloud",
  state: "connected",
  queued: 0,
  queuedBytes: 0,
  counters: { ...zeroBridgeCounters(), sent: 7, connects: 1 },
};

export const FACTS: MetricFacts = {
  uptime: 12,
  version: "1.2.3",
  entry: { memoryFull: false, connectionsFull: false },
  store: STORE,
  listeners: [{ name: "mqtt-1883", isListening: true, connections: 4 }],
  links: [LINK],
  bridges: [BRIDGE],
  upstreamReachable: undefined,
  nodes: { active: 2, asleep: 1, awake: 0, lost: 0, disconnected: 5 },
  traffic: {
    counters: { ...zeroCounters(), publishReceived: 9, publishDropped: 5 },
    sessions: tallySessions([]),
    subscriptions: 6,
    sharedSubscriptions: 1,
    retained: 40,
    retainedBytes: 900,
  },
};
