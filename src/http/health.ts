/** From facts to health: which parts do their work, and in plain words what is wrong with the others. */
import type { BridgeState } from "../bridge/bridge-state.ts";
import type { HealthFacts, StoreFacts, StoreState } from "./facts.ts";

/** `degraded`: it serves, but something wants looking at. `failing`: a part of it does not serve. */
export type Severity = "degraded" | "failing";
export const HEALTH_STATUSES = ["ok", "degraded", "failing"] as const;
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** Stable: monitors may go by them. */
export type ProblemCode =
  | "memory_full"
  | "connections_full"
  | "store_failing"
  | "store_low"
  | "store_slow"
  | "store_damaged"
  | "listener_down"
  | "link_down"
  | "bridge_offline"
  | "bridge_connecting"
  | "upstream_unreachable";

export interface Problem {
  readonly part: "broker" | "store" | "listener" | "link" | "bridge" | "upstream";
  /** Of several such parts, which. */
  readonly name?: string | undefined;
  readonly severity: Severity;
  readonly code: ProblemCode;
  /** For an operator. It holds nothing that a stranger may not know: states, names and sizes. */
  readonly text: string;
}

type UpOrDown = "up" | "down";

export interface HealthReport {
  readonly status: HealthStatus;
  /** Since the start, seconds. */
  readonly uptime: number;
  /** Empty when all is well. */
  readonly problems: readonly Problem[];
  /** Every part, by name where there are several. */
  readonly parts: {
    readonly broker: "ok" | "full";
    readonly store: StoreState;
    readonly listeners: Readonly<Record<string, UpOrDown>>;
    readonly links: Readonly<Record<string, UpOrDown>>;
    readonly bridges: Readonly<Record<string, BridgeState>>;
    readonly upstream?: "reachable" | "unreachable" | undefined;
  };
}

export function healthOf(facts: HealthFacts): HealthReport {
  const { uptime, entry, store, listeners, links, bridges, upstreamReachable } = facts;
  const problems = [
    ...entryProblems(facts),
    ...storeProblems(store),
    ...entranceProblems(facts),
    ...remoteProblems(facts),
  ];
  const isFailing = problems.some(({ severity }) => severity === "failing");
  const isFull = entry.memoryFull || entry.connectionsFull;
  return {
    status: isFailing ? "failing" : problems.length > 0 ? "degraded" : "ok",
    uptime,
    problems,
    parts: {
      broker: isFull ? "full" : "ok",
      store: store.state,
      listeners: named(listeners.map(({ name, isListening }) => [name, upOrDown(isListening)])),
      links: named(links.map(({ name, isOpen }) => [name, upOrDown(isOpen)])),
      bridges: named(bridges.map(({ name, state }) => [name, state])),
      ...(upstreamReachable === undefined
        ? {}
        : { upstream: upstreamReachable ? "reachable" : "unreachable" }),
    },
  };
}

function entryProblems({ entry }: HealthFacts): Problem[] {
  const problems: Problem[] = [];
  if (entry.memoryFull) {
    problems.push({
      part: "broker",
      severity: "failing",
      code: "memory_full",
      text: "Midge takes more memory than broker.memory_limit allows: messages and new clients are refused.",
    });
  }
  if (entry.connectionsFull) {
    problems.push({
      part: "broker",
      severity: "failing",
      code: "connections_full",
      text: "Midge may not have more files open: new clients are refused. Raise LimitNOFILE= of the systemd unit, or ulimit -n.",
    });
  }
  return problems;
}

const REFUSES =
  "What would have to be kept is refused, all else goes on, and nothing that was stored is lost.";

function storeProblems(store: StoreFacts): Problem[] {
  const { state, problem, free, reserve, unsafeAge, damaged } = store;
  const problems: Problem[] = [];
  const tell = (severity: Severity, code: ProblemCode, text: string): void => {
    problems.push({ part: "store", severity, code, text });
  };
  if (state === "failing") {
    tell("failing", "store_failing", `The disk takes nothing: ${causeOf(problem)}. ${REFUSES}`);
  } else if (state === "low") {
    const left = `${free ?? 0} bytes are free on the disk, less than store.reserve (${reserve})`;
    tell("failing", "store_low", `${left}. ${REFUSES}`);
  } else if (state === "slow") {
    const age = Math.round(unsafeAge / 1000);
    tell("degraded", "store_slow", `The disk has not taken what was to be written ${age} s ago.`);
  }
  if (damaged.length > 0) {
    const where = damaged.join(", ");
    tell(
      "degraded",
      "store_damaged",
      `Damaged files were found at a start and set aside in ${where}; what was whole goes on. Remove that folder once you have seen it.`,
    );
  }
  return problems;
}

/** In words without paths. */
function causeOf(problem = ""): string {
  if (/no space left|ENOSPC|EDQUOT|quota/i.test(problem)) return "it is full";
  if (/read-only|EROFS/i.test(problem)) return "it is read-only";
  if (/permission|not permitted|EACCES|EPERM/i.test(problem)) return "rights are missing";
  return "the log says why";
}

/** What clients and nodes come in by. */
function entranceProblems({ listeners, links }: HealthFacts): Problem[] {
  const problems: Problem[] = [];
  for (const { name, isListening } of listeners) {
    if (isListening) continue;
    const text = `The listener ${name} takes no connections. The log says why.`;
    problems.push({ part: "listener", name, severity: "failing", code: "listener_down", text });
  }
  for (const { name, isOpen, isOptional } of links) {
    if (isOpen) continue;
    const severity = isOptional ? "degraded" : "failing";
    const text = `The link ${name} is not open: its nodes cannot be reached. The log says why.`;
    problems.push({ part: "link", name, severity, code: "link_down", text });
  }
  return problems;
}

/** Other brokers are not ours to heal: a restart would help nobody. */
function remoteProblems({ bridges, upstreamReachable }: HealthFacts): Problem[] {
  const problems: Problem[] = [];
  for (const { name, state, queued } of bridges) {
    if (state === "connected" || state === "idle") continue;
    const isOffline = state === "offline";
    const how = isOffline ? "is offline" : "is connecting";
    const waiting = queued === 1 ? "1 message waits" : `${queued} messages wait`;
    problems.push({
      part: "bridge",
      name,
      severity: "degraded",
      code: isOffline ? "bridge_offline" : "bridge_connecting",
      text: `The bridge ${name} ${how}; ${waiting} for it.`,
    });
  }
  if (upstreamReachable === false) {
    problems.push({
      part: "upstream",
      severity: "degraded",
      code: "upstream_unreachable",
      text: "The broker that nodes are passed on to cannot be reached.",
    });
  }
  return problems;
}

function upOrDown(isUp: boolean): UpOrDown {
  return isUp ? "up" : "down";
}

/** No name, not even `__proto__`, is more than a key. */
function named<Value>(entries: readonly (readonly [string, Value])[]): Record<string, Value> {
  return Object.fromEntries(entries);
}
