/** An MQTT-SN node as the gateway describes it under `$SYS/gateway/nodes/`. */

export const NODE_STATES = ["active", "awake", "asleep", "lost", "disconnected"] as const;
export type NodeState = (typeof NODE_STATES)[number] | "unknown";

export interface Node {
  /** What the gateway tells it under. */
  readonly key: string;
  readonly clientId: string;
  readonly state: NodeState;
  readonly link: string;
  readonly address: string;
  /** When it came into this state, and when it was last heard, by the gateway's clock, Unix ms. */
  readonly since: number | undefined;
  readonly lastSeen: number | undefined;
  /** Seconds; 0 is no supervision. */
  readonly keepAlive: number;
  readonly sleepDuration: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly retries: number;
  readonly dropped: number;
  readonly buffered: number;
  readonly topicIds: number;
}

const LONGEST_NAME = 256;

/** Reads a description; undefined if it is none. Whatever is missing or of another type gets a harmless value. */
export function parseNode(key: string, payload: Uint8Array): Node | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  if (typeof fields.clientId !== "string") return undefined;
  return {
    key,
    clientId: text(fields.clientId),
    state: NODE_STATES.find((state) => state === fields.state) ?? "unknown",
    link: text(fields.link),
    address: text(fields.address),
    since: time(fields.since),
    lastSeen: time(fields.lastSeen),
    keepAlive: count(fields.keepAlive),
    sleepDuration: count(fields.sleepDuration),
    messagesIn: count(fields.messagesIn),
    messagesOut: count(fields.messagesOut),
    retries: count(fields.retries),
    dropped: count(fields.dropped),
    buffered: count(fields.buffered),
    topicIds: count(fields.topicIds),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, LONGEST_NAME) : "";
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

/** Unix ms, given as that or as an ISO 8601 text. */
function time(value: unknown): number | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : value;
  return typeof ms === "number" && Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** What is allowed beyond the announced interval before silence means something (MQTT-SN 1.2 §7.2). */
function tolerance(interval: number): number {
  return interval > 60 ? interval * 0.1 : interval * 0.5;
}

/**
 * Whether a node has been silent for longer than it announced, so that what it said is out of date.
 * `now` is the gateway's time, Unix ms.
 */
export function isStale(node: Node, now: number): boolean {
  if (node.state === "lost") return true;
  const interval = node.state === "asleep" ? node.sleepDuration : node.keepAlive;
  if (node.lastSeen === undefined || interval === 0 || node.state === "disconnected") return false;
  return now - node.lastSeen > (interval + tolerance(interval)) * 1000;
}
