/** What the web server is told of the process for health and metrics; each part is asked anew for each answer. */
import type { BridgeCounters } from "../bridge/bridge-counters.ts";
import type { BridgeState } from "../bridge/bridge-state.ts";
import type { Counters } from "../broker/counters.ts";
import type { SessionTally } from "../broker/session-tally.ts";
import type { LinkCounters } from "../gateway/link-state.ts";
import type { NodeState } from "../gateway/sn-node.ts";
import type { FaultCause } from "../mqttsn/packets.ts";

/** What keeps clients out, and has messages refused. */
export interface EntryFacts {
  /** The process takes more memory than it may. */
  readonly memoryFull: boolean;
  /** The process has as many files open as it may have. */
  readonly connectionsFull: boolean;
}

export const STORE_STATES = ["ok", "slow", "low", "failing", "memory"] as const;
export type StoreState = (typeof STORE_STATES)[number];

/** As the store tells of itself under `$SYS`; what does not apply is undefined. */
export interface StoreFacts {
  readonly state: StoreState;
  /** What the disk says when it refuses. */
  readonly problem: string | undefined;
  readonly commits: number;
  /** Handed to the store, bytes. */
  readonly bytes: number;
  /** Changes that are not on the disk, the age of the oldest, and how old it may well get, ms. */
  readonly unsafe: number;
  readonly unsafeAge: number;
  readonly unsafeLimit: number;
  /** Bytes that reached the disk today, and that a year of the last weeks would be. */
  readonly today: number | undefined;
  readonly perYear: number | undefined;
  /** Free on the disk, and to be left free, bytes. */
  readonly free: number | undefined;
  readonly reserve: number;
  /** Names of folders with damaged files. */
  readonly damaged: readonly string[];
}

export interface ListenerFacts {
  readonly name: string;
  readonly isListening: boolean;
  /** Those that are still arriving included. */
  readonly connections: number;
}

export interface LinkFacts {
  readonly name: string;
  readonly isOpen: boolean;
  /** Midge was to start without it, too. */
  readonly isOptional: boolean;
  /** Nodes that are connected, or connecting. */
  readonly nodes: number;
  readonly counters: LinkCounters;
  readonly faults: Partial<Readonly<Record<FaultCause, number>>>;
  /** What the line itself counted, by name. */
  readonly line: Readonly<Record<string, number>>;
}

export interface BridgeFacts {
  readonly name: string;
  readonly state: BridgeState;
  /** Messages that wait for the other broker or are on their way to it, and their payload bytes. */
  readonly queued: number;
  readonly queuedBytes: number;
  readonly counters: BridgeCounters;
}

export interface TrafficFacts {
  readonly counters: Counters;
  readonly sessions: SessionTally;
  readonly subscriptions: number;
  readonly sharedSubscriptions: number;
  readonly retained: number;
  readonly retainedBytes: number;
}

/** What health is made of: cheap to ask for, as anybody may. */
export interface HealthFacts {
  /** Since the start, seconds. */
  readonly uptime: number;
  readonly entry: EntryFacts;
  readonly store: StoreFacts;
  readonly listeners: readonly ListenerFacts[];
  readonly links: readonly LinkFacts[];
  readonly bridges: readonly BridgeFacts[];
  /** Whether the broker that nodes are passed on to can be reached; undefined: there is none, or nobody has tried. */
  readonly upstreamReachable: boolean | undefined;
}

/** What metrics are made of besides. */
export interface MetricFacts extends HealthFacts {
  readonly version: string;
  readonly traffic: TrafficFacts;
  /** Nodes by state; undefined without a gateway. */
  readonly nodes: Readonly<Record<NodeState, number>> | undefined;
}
