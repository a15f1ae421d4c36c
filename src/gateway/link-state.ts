/** What the gateway keeps for one link: who is where on it, and its counters. */
import type { FaultCause } from "../mqttsn/packets.ts";
import type { Link, LinkAddress } from "../seams/link.ts";
import type { Clock } from "../time/clock.ts";
import { Forwarders } from "./forwarders.ts";
import { OtherGateways } from "./other-gateways.ts";
import { RateLimit } from "./rate-limit.ts";
import { SleepWishes } from "./sleep-wishes.ts";
import type { SnNode } from "./sn-node.ts";

/** Told under `$SYS/gateway/links/<name>`. */
export interface LinkCounters {
  framesIn: number;
  framesOut: number;
  /** Octets of those frames. */
  bytesIn: number;
  bytesOut: number;
  /** Frames that were no message for a gateway. */
  faults: number;
  /** Messages from addresses without a node. */
  unknownSenders: number;
  /** Messages that could not go to a node, and those of QoS -1 that were not published. */
  dropped: number;
  /** CONNECTs that were not accepted. */
  refused: number;
  /** Frames over a rate limit, dropped unread. */
  throttled: number;
  /** Messages that went to nodes again, as no answer came. */
  retransmissions: number;
}

/** Listens in on a link; the frame is reused after the call. `address` is undefined for broadcasts. */
export type LinkTap = (
  way: "in" | "out",
  address: LinkAddress | undefined,
  frame: Uint8Array,
) => void;

/** Of a link that nothing has come over. */
export const NO_FRAMES: Readonly<LinkCounters> = {
  framesIn: 0,
  framesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  faults: 0,
  unknownSenders: 0,
  dropped: 0,
  refused: 0,
  throttled: 0,
  retransmissions: 0,
};

const RATE_SPAN = 10_000;
const LOG_SPAN = 60_000;
const GROUP_RATE = 5;

export class LinkState {
  readonly name: string;
  /** Undefined while no such link is attached. */
  link: Link | undefined;
  /** By address key, the nodes that are connected or connecting from there. */
  readonly nodes = new Map<string, SnNode>();
  readonly counters: LinkCounters = { ...NO_FRAMES };
  /** `counters.faults` by cause; those that did not occur are not there. */
  readonly faults: Partial<Record<FaultCause, number>> = {};
  readonly forwarders: Forwarders;
  readonly otherGateways: OtherGateways;
  readonly sleepWishes: SleepWishes;
  /**
   * DISCONNECTs to addresses without a node: also what stops two gateways from answering each other
   * forever.
   */
  readonly unknownSenders: RateLimit;
  /** Log lines on what an address does wrong. */
  readonly complaints: RateLimit;
  /** GWINFO to the group, so that a forged SEARCHGW cannot make it a flood. */
  readonly groupAnswers: RateLimit;

  tap: LinkTap | undefined;

  constructor(name: string, clock: Clock, unknownSenderRate: number) {
    this.name = name;
    this.forwarders = new Forwarders(clock);
    this.otherGateways = new OtherGateways(clock);
    this.sleepWishes = new SleepWishes(clock);
    this.unknownSenders = new RateLimit(clock, unknownSenderRate, RATE_SPAN);
    this.complaints = new RateLimit(clock, 1, LOG_SPAN);
    this.groupAnswers = new RateLimit(clock, GROUP_RATE, RATE_SPAN);
  }

  countFault(cause: FaultCause): void {
    this.counters.faults++;
    this.faults[cause] = (this.faults[cause] ?? 0) + 1;
  }
}
