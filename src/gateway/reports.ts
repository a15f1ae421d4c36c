/**
 * What operators see under `$SYS/gateway/`: every node at once when its state changes and otherwise
 * at most once per report interval, links and totals once per interval where they changed.
 */
import { encodeUtf8, utf8Length } from "../bytes/utf8.ts";
import type { Door } from "../seams/door.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import { LONGEST_TOPIC } from "../topics/names.ts";
import type { LinkState } from "./link-state.ts";
import type { NodeTable } from "./node-table.ts";
import { lastSeenOf, type SnNode } from "./sn-node.ts";

/** Nodes reported in one go, so that thousands that speak at once do not hold up traffic. */
const AT_ONCE = 200;
/** Until the next go where more are due, ms. */
const BREATH = 50;
/**
 * At least so many nodes are looked at per interval for buffers that grew while the node was
 * silent.
 */
const LOOKED_AT = 1000;
const NOTHING = new Uint8Array(0);

export interface ReportsParts {
  readonly door: Door;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly nodes: NodeTable;
  readonly links: ReadonlyMap<string, LinkState>;
  /** Seconds; 0 turns all reports off. */
  readonly interval: number;
}

export class Reports {
  readonly #door: Door;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #nodes: NodeTable;
  readonly #links: ReadonlyMap<string, LinkState>;
  /** ms */
  readonly #interval: number;
  /** In order of `reportAt`. */
  #queue: SnNode[] = [];
  #head = 0;
  #queueTimer: Timer | undefined;
  #roundTimer: Timer | undefined;
  #running = false;
  /** Goes round all nodes, some per interval. */
  #looking: Iterator<SnNode> | undefined;
  /** What was announced last, by topic. */
  readonly #announced = new Map<string, string>();

  constructor(parts: ReportsParts) {
    this.#door = parts.door;
    this.#clock = parts.clock;
    this.#scheduler = parts.scheduler;
    this.#nodes = parts.nodes;
    this.#links = parts.links;
    this.#interval = parts.interval * 1000;
  }

  /** Reports all that is known, and from now on what changes. */
  start(): void {
    if (this.#running || this.#interval === 0) return;
    this.#running = true;
    for (const node of this.#nodes.values()) if (node.established) this.#enqueue(node, 0);
    this.#round();
  }

  stop(): void {
    this.#running = false;
    this.#queueTimer?.cancel();
    this.#roundTimer?.cancel();
    this.#queueTimer = undefined;
    this.#roundTimer = undefined;
  }

  stateChanged(node: SnNode): void {
    if (this.#running) this.#report(node);
  }

  /** Something changed that can wait for the interval. */
  activity(node: SnNode): void {
    if (!node.reportQueued && this.#running) this.#enqueue(node, this.#interval);
  }

  forgotten(node: SnNode): void {
    // Out of the queue, should the node be in it.
    node.reportQueued = false;
    if (this.#running) this.#announce(topicOf(node), NOTHING);
  }

  #enqueue(node: SnNode, delay: number): void {
    node.reportQueued = true;
    node.reportAt = this.#clock.now() + delay;
    this.#queue.push(node);
    if (this.#queueTimer === undefined) this.#arm(node.reportAt);
  }

  #arm(deadline: number): void {
    this.#queueTimer = this.#scheduler.at(deadline, () => {
      this.#queueTimer = undefined;
      this.#serveQueue();
    });
  }

  #serveQueue(): void {
    const now = this.#clock.now();
    const queue = this.#queue;
    const end = Math.min(queue.length, this.#head + AT_ONCE);
    while (this.#head < end) {
      const node = queue[this.#head] as SnNode;
      if (node.reportQueued && node.reportAt > now) break;
      this.#head++;
      if (!node.reportQueued) continue;
      node.reportQueued = false;
      this.#report(node);
    }
    if (this.#head * 2 > queue.length) {
      this.#queue = queue.slice(this.#head);
      this.#head = 0;
    }
    const next = this.#queue[this.#head];
    if (next !== undefined) this.#arm(Math.max(next.reportAt, this.#clock.now() + BREATH));
  }

  #report(node: SnNode): void {
    const topic = topicOf(node);
    if (utf8Length(topic) > LONGEST_TOPIC) return;
    if (node.client !== undefined) node.buffered = backlogOf(node);
    this.#announce(topic, encodeUtf8(JSON.stringify(describe(node, this.#clock))));
  }

  /** Links, totals, and nodes whose buffer filled meanwhile. */
  #round(): void {
    this.#roundTimer = this.#scheduler.after(this.#interval, () => this.#round());
    for (const link of this.#links.values()) this.#announceLink(link);
    const { active, asleep, awake, lost, disconnected } = this.#nodes.counts;
    this.#announceChanged("$SYS/gateway/count/active", String(active));
    this.#announceChanged("$SYS/gateway/count/asleep", String(asleep + awake));
    this.#announceChanged("$SYS/gateway/count/lost", String(lost));
    this.#announceChanged("$SYS/gateway/count/disconnected", String(disconnected));
    this.#announceChanged("$SYS/gateway/count/total", String(this.#nodes.size));
    this.#lookAtBuffers();
  }

  /** A link that never was open, and is none of the configuration's any more, is not told of. */
  #announceLink(link: LinkState): void {
    const topic = `$SYS/gateway/links/${encodeLevel(link.name)}`;
    if (link.link === undefined && !this.#announced.has(topic)) return;
    this.#announceChanged(topic, JSON.stringify(describeLink(link)));
  }

  #lookAtBuffers(): void {
    const count = Math.max(LOOKED_AT, Math.ceil(this.#nodes.size / 6));
    this.#looking ??= this.#nodes.values();
    for (let looked = 0; looked < count; looked++) {
      const { value: node, done } = this.#looking.next();
      if (done === true) {
        this.#looking = undefined;
        return;
      }
      if (node.client !== undefined && backlogOf(node) !== node.buffered) this.#report(node);
    }
  }

  #announceChanged(topic: string, text: string): void {
    if (this.#announced.get(topic) === text) return;
    this.#announced.set(topic, text);
    this.#announce(topic, encodeUtf8(text));
  }

  #announce(topic: string, payload: Uint8Array): void {
    this.#door.announce(topic, payload, true);
  }
}

/** Messages that wait for the node, at the broker and in the gateway. */
function backlogOf(node: SnNode): number {
  let own = 0;
  for (const held of node.outbound?.held ?? []) if (held.qos === 0) own++;
  return (node.client?.backlog ?? 0) + own;
}

function topicOf(node: SnNode): string {
  return `$SYS/gateway/nodes/${encodeLevel(node.clientId)}`;
}

/** A name as one topic level: what would part or match levels, and controls, percent-encoded. */
function encodeLevel(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are encoded
  return name.replace(/[/+#%\u0000-\u001f\u007f-\u009f]/g, encodeURIComponent);
}

/** A node as reports tell of it. */
export function describe(node: SnNode, clock: Clock): object {
  const sleeps = node.state === "asleep" || node.state === "awake";
  return {
    clientId: node.clientId,
    state: node.state,
    link: node.link?.name ?? "",
    address: node.addressKey,
    since: new Date(node.since).toISOString(),
    lastSeen: new Date(lastSeenOf(node, clock)).toISOString(),
    keepAlive: node.keepAlive,
    sleepDuration: sleeps ? node.sleepDuration : null,
    messagesIn: node.messagesIn,
    messagesOut: node.messagesOut,
    retries: node.retries,
    dropped: node.dropped,
    buffered: node.buffered,
    topicIds: node.topics?.size ?? 0,
    ...(node.drops === undefined ? {} : { droppedBy: node.drops }),
    ...node.reception,
  };
}

function describeLink({ link, nodes, counters, faults, otherGateways }: LinkState): object {
  const gateways = otherGateways.list().map(({ lastSeen, ...gateway }) => ({
    ...gateway,
    lastSeen: new Date(lastSeen).toISOString(),
  }));
  const line = link?.counters?.();
  return {
    open: link !== undefined,
    nodes: nodes.size,
    ...counters,
    faultsBy: faults,
    gateways,
    ...(line === undefined ? {} : { line }),
  };
}
