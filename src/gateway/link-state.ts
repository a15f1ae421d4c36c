/** What the gateway keeps for one link: who is where on it, and its counters. */
import type { Link } from "../seams/link.ts";
import type { Clock } from "../time/clock.ts";
import { RateLimit } from "./rate-limit.ts";
import type { SnNode } from "./sn-node.ts";

/** Told under `$SYS/gateway/links/<name>`. */
export interface LinkCounters {
  framesIn: number;
  framesOut: number;
  /** Frames that were no message for a gateway. */
  faults: number;
  /** Messages from addresses without a node. */
  unknownSenders: number;
  /** Messages that could not go to a node: too long, or without a topic id. */
  dropped: number;
}

const RATE_SPAN = 10_000;
const LOG_SPAN = 60_000;
const GROUP_RATE = 5;

export class LinkState {
  readonly name: string;
  /** Undefined while no such link is attached. */
  link: Link | undefined;
  /** By address key, the nodes that are connected or connecting from there. */
  readonly nodes = new Map<string, SnNode>();
  readonly counters: LinkCounters = {
    framesIn: 0,
    framesOut: 0,
    faults: 0,
    unknownSenders: 0,
    dropped: 0,
  };
  /**
   * DISCONNECTs to addresses without a node: also what stops two gateways from answering each other
   * forever.
   */
  readonly unknownSenders: RateLimit;
  /** Log lines on what an address does wrong. */
  readonly complaints: RateLimit;
  /** GWINFO to the group, so that a forged SEARCHGW cannot make it a flood. */
  readonly groupAnswers: RateLimit;

  constructor(name: string, clock: Clock, unknownSenderRate: number) {
    this.name = name;
    this.unknownSenders = new RateLimit(clock, unknownSenderRate, RATE_SPAN);
    this.complaints = new RateLimit(clock, 1, LOG_SPAN);
    this.groupAnswers = new RateLimit(clock, GROUP_RATE, RATE_SPAN);
  }
}
