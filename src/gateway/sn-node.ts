/**
 * All that the gateway knows of one node. The state is written by the handlers of this folder; as
 * the broker's peer the node passes on what is for its way out.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { ReasonCode } from "../mqtt/reason-codes.ts";
import type { Client, Peer, Will } from "../seams/door.ts";
import type { LinkAddress, Reception } from "../seams/link.ts";
import type { Message } from "../seams/message.ts";
import type { Clock } from "../time/clock.ts";
import type { Timer } from "../time/scheduler.ts";
import { evict, type Terms } from "./connection.ts";
import type { Core } from "./core.ts";
import { deliver, release } from "./delivery.ts";
import { publishCompleted, publishSettled } from "./handle-publish.ts";
import type { LinkState } from "./link-state.ts";
import type { NodeIdentity } from "./node-access.ts";
import type { DropReason } from "./node-counts.ts";
import type { Outbound } from "./outbound.ts";
import type { PendingPublishes } from "./pending-publishes.ts";
import { nodeTimer } from "./supervision.ts";
import { FULL } from "./token-bucket.ts";
import type { TopicRegistry } from "./topic-registry.ts";
import type { WillDialogue } from "./will-dialogue.ts";

/** The states of MQTT-SN 1.2 §6.14. */
export type NodeState = "active" | "asleep" | "awake" | "lost" | "disconnected";

export class SnNode implements Peer {
  readonly core: Core;
  readonly clientId: string;
  state: NodeState = "disconnected";
  /** When the state was entered, wall clock ms. */
  since = 0;
  /** It was connected once; what was not is forgotten without a trace. */
  established = false;

  link: LinkState | undefined;
  /**
   * Where the node is; undefined where it was not heard since the start, or another is there now.
   */
  address: LinkAddress | undefined;
  /** The key of the last address, also where `address` is not known. */
  addressKey = "";

  /** The session ends with the connection. */
  clean = true;
  /** Seconds; 0 is no supervision. */
  keepAlive = 0;
  /** Seconds, while asleep or awake. */
  sleepDuration = 0;
  will: Will | undefined;
  /** As of the last CONNECT that was let in; undefined before. */
  identity: NodeIdentity | undefined;
  /** The node's hold on its session; defined in the states active, asleep and awake. */
  client: Client | undefined;
  /** While another broker is asked whether the node may come in: what it has connected with. */
  opening: Terms | undefined;
  /** While the node is asked for its will before it is connected (§6.2). */
  dialogue: WillDialogue | undefined;
  /** CONNACK was the last thing between node and gateway: a repetition asks for it again. */
  fresh = false;

  topics: TopicRegistry | undefined;
  outbound: Outbound | undefined;
  /** The broker was told to hold its deliveries back. */
  paused = true;
  /** What is in flight has to be sent again when delivery goes on. */
  redeliverDue = true;
  pending: PendingPublishes | undefined;
  /** Messages sent in the present waking. */
  fetched = 0;

  /** Monotonic ms. */
  lastHeard = 0;
  /** As of before the start, wall clock ms; undefined once the node was heard. */
  storedLastSeen: number | undefined;
  /** PINGREQ was sent since the node was last heard. */
  probed = false;
  timer: Timer | undefined;
  timerAt = 0;
  /** Made once, as timers are set often. */
  readonly onTimer: () => void;

  /** When its buckets are full again; see `TokenBucket`. */
  frameBucket = FULL;
  connectBucket = FULL;

  /** PUBLISH messages that came, and that went out without counting repetitions. */
  messagesIn = 0;
  messagesOut = 0;
  retries = 0;
  dropped = 0;
  /** `dropped` by reason, since the start; undefined while there was none. */
  drops: Partial<Record<DropReason, number>> | undefined;
  /** The backlog when the connection ended, or when last reported. */
  buffered = 0;
  /** How it was heard last, where its link tells. */
  reception: Reception | undefined;
  /** Log lines since `linesSince`, monotonic ms. */
  lines = 0;
  linesSince = 0;
  /** When its record was last written, monotonic ms. */
  storedAt = 0;
  reportQueued = false;
  /** Monotonic ms. */
  reportAt = 0;

  constructor(core: Core, clientId: string) {
    this.core = core;
    this.clientId = clientId;
    this.onTimer = () => nodeTimer(this);
  }

  deliver(message: Message, qos: QoS, retain: boolean, dup: boolean, packetId: number): void {
    deliver(this, message, qos, retain, dup, packetId);
  }

  release(packetId: number): void {
    release(this, packetId);
  }

  published(packetId: number, reason?: ReasonCode): void {
    publishSettled(this, packetId, reason);
  }

  completed(packetId: number): void {
    publishCompleted(this, packetId);
  }

  evicted(reason: ReasonCode): void {
    evict(this, reason);
  }
}

/** How logs name a node. */
export function named(node: SnNode): string {
  return `node ${JSON.stringify(node.clientId)}`;
}

/** A ClientId of someone who is not let in must not fill the log, characters. */
const LONGEST_SHOWN = 100;

/** How logs name one who is no node yet. */
export function namedStranger(clientId: string): string {
  if (clientId.length <= LONGEST_SHOWN) return `node ${JSON.stringify(clientId)}`;
  return `node ${JSON.stringify(`${clientId.slice(0, LONGEST_SHOWN)}…`)}`;
}

/** How logs name the place where a node was last heard. */
export function placeOf(node: SnNode): string {
  return `${node.link?.name ?? ""}/${node.addressKey}`;
}

/** Whether what is for the node can go to it now. */
export function canReceive(node: SnNode): boolean {
  return (
    (node.state === "active" || node.state === "awake") &&
    node.address !== undefined &&
    node.dialogue === undefined &&
    node.client !== undefined
  );
}

/** When the node was last heard, wall clock ms. */
export function lastSeenOf(node: SnNode, clock: Clock): number {
  return node.storedLastSeen ?? clock.wall() - (clock.now() - node.lastHeard);
}
