/** Asks the parts how they are, in the terms of the web server. */
import type { Bridges } from "./assemble-bridges.ts";
import type { Listeners } from "./assemble-listeners.ts";
import type { AssembledStore } from "./assemble-store.ts";
import type { AssembledUpstream } from "./assemble-upstream.ts";
import type { Broker } from "./broker/broker.ts";
import { tallySessions } from "./broker/session-tally.ts";
import type { LinkConfig } from "./config/schema.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { NO_FRAMES } from "./gateway/link-state.ts";
import type { HealthFacts, LinkFacts, MetricFacts, TrafficFacts } from "./http/facts.ts";
import type { ConnectionRoom } from "./listeners/connection-room.ts";
import type { Clock } from "./time/clock.ts";
import { VERSION } from "./version.ts";

export interface FactsParts {
  readonly clock: Clock;
  readonly broker: Broker;
  readonly store: AssembledStore;
  readonly listeners: Listeners;
  readonly room: ConnectionRoom;
  readonly bridges: Bridges;
  /** Undefined where there is none. */
  readonly gateway?: Gateway | undefined;
  /** Those that the gateway was started with. */
  readonly links?: readonly LinkConfig[] | undefined;
  readonly upstream?: AssembledUpstream | undefined;
}

export class AssembledFacts {
  readonly #parts: FactsParts;
  /** Monotonic ms. */
  readonly #startedAt: number;

  constructor(parts: FactsParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
  }

  health(): HealthFacts {
    const { clock, broker, store, listeners, room, bridges, upstream } = this.#parts;
    return {
      uptime: Math.floor((clock.now() - this.#startedAt) / 1000),
      entry: { memoryFull: broker.memoryFull, connectionsFull: room.isExhausted },
      store: store.figures,
      listeners: listeners.facts,
      links: this.#links(),
      bridges: bridges.facts,
      upstreamReachable: upstream?.isReachable,
    };
  }

  metrics(): MetricFacts {
    return {
      ...this.health(),
      version: VERSION,
      traffic: this.#traffic(),
      nodes: this.#parts.gateway?.nodeCounts,
    };
  }

  #links(): LinkFacts[] {
    const { gateway, links = [] } = this.#parts;
    if (gateway === undefined) return [];
    return links.map(({ name, optional }) => {
      const state = gateway.linkState(name);
      return {
        name,
        isOpen: state?.link !== undefined,
        isOptional: optional,
        nodes: state?.nodes.size ?? 0,
        counters: state?.counters ?? NO_FRAMES,
        faults: state?.faults ?? {},
        line: state?.link?.counters?.() ?? {},
      };
    });
  }

  #traffic(): TrafficFacts {
    const { counters, sessions, subscriptions, retained } = this.#parts.broker;
    return {
      counters,
      sessions: tallySessions(sessions.values()),
      subscriptions: subscriptions.count,
      sharedSubscriptions: subscriptions.sharedCount,
      retained: retained.count,
      retainedBytes: retained.bytes,
    };
  }
}
