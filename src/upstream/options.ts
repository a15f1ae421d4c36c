/** What is known of the broker that nodes are passed on to, and how it is spoken to. */
import type { ProtocolLevel } from "../mqtt/packets.ts";
import type { Dialler, DialTarget } from "../seams/dialler.ts";
import type { Log } from "../seams/log.ts";
import type { Clock, Random } from "../time/clock.ts";
import type { Scheduler } from "../time/scheduler.ts";
import type { LoginRule } from "./login-rule.ts";

export interface UpstreamOptions {
  /** For logs: a URL. */
  readonly name: string;
  readonly target: DialTarget;
  readonly level: ProtocolLevel;
  /** Seconds. */
  readonly keepAlive: number;
  readonly login: LoginRule;
  /** Shortest and longest wait before connecting again, ms. */
  readonly retryBase: number;
  readonly retryCap: number;
  /** Connections being made at a time. */
  readonly maxDials: number;
  /** Longest packet taken from the upstream broker, bytes. */
  readonly maximumPacketSize: number;
  /** Messages kept for one node that it has not acknowledged; 0 is no limit. */
  readonly maxQueuedMessages: number;
  /** Payload bytes of those; 0 is no limit. */
  readonly maxQueuedBytes: number;
  /** QoS 1 and 2 messages on their way to the upstream broker at a time, where nodes share a connection. */
  readonly maxInflight: number;
}

type Needed = "name" | "target";
export type GivenUpstreamOptions = Pick<UpstreamOptions, Needed> &
  Partial<Omit<UpstreamOptions, Needed>>;

export function upstreamOptions(given: GivenUpstreamOptions): UpstreamOptions {
  return {
    level: 5,
    keepAlive: 60,
    login: () => ({}),
    retryBase: 1000,
    retryCap: 30_000,
    maxDials: 20,
    maximumPacketSize: 2_000_000,
    maxQueuedMessages: 1000,
    maxQueuedBytes: 0,
    maxInflight: 20,
    ...given,
  };
}

/** What everything here needs from outside. */
export interface UpstreamParts {
  readonly dialler: Dialler;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly log: Log;
  readonly options: UpstreamOptions;
}
