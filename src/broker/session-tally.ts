/** Adds up what sessions hold, for metrics: a look at every one of them. */
import type { Origin } from "../seams/door.ts";
import type { Session } from "./session.ts";

export interface OriginCount {
  connected: number;
  /** Sessions that are kept while their clients are away. */
  away: number;
}

export interface SessionTally {
  /** By the way by which clients came in last. */
  readonly origins: Record<Origin, OriginCount>;
  /** Sessions that are kept when their clients leave. */
  persistent: number;
  /** Messages on their way to clients, not acknowledged yet. */
  inflight: number;
  inflightBytes: number;
  /** Messages that wait for their turn. */
  queued: number;
  /** Payload bytes, as those above. */
  queuedBytes: number;
}

type Counted = Pick<Session, "origin" | "persistent"> & {
  readonly peer: unknown;
  readonly outgoing: Pick<
    Session["outgoing"],
    "backlog" | "backlogBytes" | "queueLength" | "queuedBytes"
  >;
};

export function tallySessions(sessions: Iterable<Counted>): SessionTally {
  const tally: SessionTally = {
    origins: { mqtt: none(), websocket: none(), "mqtt-sn": none(), bridge: none() },
    persistent: 0,
    inflight: 0,
    inflightBytes: 0,
    queued: 0,
    queuedBytes: 0,
  };
  for (const { origin, persistent, peer, outgoing } of sessions) {
    const count = tally.origins[origin];
    if (peer === undefined) count.away++;
    else count.connected++;
    if (persistent) tally.persistent++;
    const { backlog, queueLength } = outgoing;
    if (backlog === 0) continue;
    const { backlogBytes, queuedBytes } = outgoing;
    tally.inflight += backlog - queueLength;
    tally.inflightBytes += backlogBytes - queuedBytes;
    tally.queued += queueLength;
    tally.queuedBytes += queuedBytes;
  }
  return tally;
}

function none(): OriginCount {
  return { connected: 0, away: 0 };
}
