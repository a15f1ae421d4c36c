/**
 * What of nodes outlives a restart, as records of the journal: `g/n/<ClientId>` for a node, and
 * `g/t/<ClientId>/<id>` for a topic id with its name. Written when a node's state changes, and with
 * what was counted since now and then while it speaks; never for a single message, as the store may
 * be an SD card.
 */
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Will } from "../seams/door.ts";
import type { Journal, Settleable } from "../seams/journal.ts";
import type { Clock } from "../time/clock.ts";
import { lastSeenOf, type NodeState, type SnNode } from "./sn-node.ts";
import type { TopicEntry } from "./topic-registry.ts";

const NODE = "g/n/";
const TOPIC = "g/t/";
/** Since 2 with counters; records of before are still read. */
const VERSION = 2;
const WITHOUT_COUNTERS = 1;
const LARGEST_COUNT = 0xffff_ffff;
/** In the order of their numbers in records; an awake node is asleep to those who come later. */
const STATES: readonly NodeState[] = ["disconnected", "active", "asleep", "lost"];
const CLEAN = 1;
const HAS_WILL = 2;
/** The longest time value that a date can have, ms. */
const LONGEST_TIME = 8.64e15;

export interface NodeFact {
  readonly kind: "node";
  readonly clientId: string;
  readonly state: NodeState;
  readonly clean: boolean;
  readonly keepAlive: number;
  readonly sleepDuration: number;
  /** Wall clock ms, as is `lastSeen`. */
  readonly since: number;
  readonly lastSeen: number;
  readonly link: string;
  readonly addressKey: string;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly retries: number;
  readonly dropped: number;
  readonly will: Will | undefined;
}

export interface TopicFact {
  readonly kind: "topic";
  readonly clientId: string;
  readonly id: number;
  readonly name: string;
}

export class NodeRecords {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #writer = new ByteWriter(256);

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  putNode(node: SnNode): void {
    const writer = this.#writer;
    writer.clear();
    const { will } = node;
    writer.u8(VERSION);
    writer.u8(STATES.indexOf(node.state === "awake" ? "asleep" : node.state));
    writer.u8((node.clean ? CLEAN : 0) | (will === undefined ? 0 : HAS_WILL));
    writer.u16(node.keepAlive);
    writer.u16(node.sleepDuration);
    writer.f64(node.since);
    writer.f64(lastSeenOf(node, this.#clock));
    writer.utf8(node.link?.name ?? "");
    writer.utf8(node.addressKey);
    for (const count of [node.messagesIn, node.messagesOut, node.retries, node.dropped]) {
      writer.u32(Math.min(count, LARGEST_COUNT));
    }
    if (will !== undefined) {
      writer.utf8(will.topic);
      writer.u8(will.qos | (will.retain ? 0x10 : 0));
      writer.raw(will.payload);
    }
    this.#journal.put(NODE + node.clientId, writer.copy());
    node.storedAt = this.#clock.now();
  }

  /** The disk is full, or takes nothing. */
  get full(): boolean {
    return this.#journal.full === true;
  }

  /** Settles once all that was put and deleted so far is durable. */
  afterCommit(waiting: Settleable): void {
    this.#journal.afterCommit(waiting);
  }

  deleteNode(clientId: string): void {
    this.#journal.delete(NODE + clientId);
  }

  putTopic(clientId: string, entry: TopicEntry): void {
    this.#journal.put(topicKey(clientId, entry.id), encodeUtf8(entry.name));
  }

  deleteTopic(clientId: string, id: number): void {
    this.#journal.delete(topicKey(clientId, id));
  }
}

function topicKey(clientId: string, id: number): string {
  return `${TOPIC}${clientId}/${id}`;
}

/** Reads a record back; undefined where it is not one of the gateway's, or damaged. */
export function readRecord(key: string, value: Uint8Array): NodeFact | TopicFact | undefined {
  if (key.startsWith(NODE)) return readNode(key.slice(NODE.length), value);
  if (key.startsWith(TOPIC)) return readTopic(key.slice(TOPIC.length), value);
  return undefined;
}

function readTopic(key: string, value: Uint8Array): TopicFact | undefined {
  // A ClientId may hold slashes; an id does not.
  const slash = key.lastIndexOf("/");
  const digits = key.slice(slash + 1);
  const name = decodeUtf8(value, 0, value.length);
  if (slash < 1 || !/^[1-9]\d{0,4}$/.test(digits) || name === undefined) return undefined;
  return { kind: "topic", clientId: key.slice(0, slash), id: Number(digits), name };
}

function readNode(clientId: string, value: Uint8Array): NodeFact | undefined {
  const reader = new ByteReader(value);
  const version = reader.u8();
  const state = STATES[reader.u8()];
  const flags = reader.u8();
  const keepAlive = reader.u16();
  const sleepDuration = reader.u16();
  const since = reader.f64();
  const lastSeen = reader.f64();
  const link = reader.utf8();
  const addressKey = reader.utf8();
  const counts = version === WITHOUT_COUNTERS ? NO_COUNTS : readCounts(reader);
  const will = (flags & HAS_WILL) === 0 ? undefined : readWill(reader);
  if (reader.overrun || reader.badText || reader.remaining > 0) return undefined;
  if (version !== VERSION && version !== WITHOUT_COUNTERS) return undefined;
  if (state === undefined || clientId === "") return undefined;
  if (!isTime(since) || !isTime(lastSeen)) return undefined;
  if (will !== undefined && will.qos > 2) return undefined;
  const clean = (flags & CLEAN) !== 0;
  return {
    kind: "node",
    clientId,
    state,
    clean,
    keepAlive,
    sleepDuration,
    since,
    lastSeen,
    link,
    addressKey,
    ...counts,
    will,
  };
}

const NO_COUNTS = { messagesIn: 0, messagesOut: 0, retries: 0, dropped: 0 };

function readCounts(reader: ByteReader): typeof NO_COUNTS {
  const messagesIn = reader.u32();
  const messagesOut = reader.u32();
  const retries = reader.u32();
  return { messagesIn, messagesOut, retries, dropped: reader.u32() };
}

function readWill(reader: ByteReader): Will {
  const topic = reader.utf8();
  const flags = reader.u8();
  const payload = reader.rest().slice();
  return { topic, payload, qos: (flags & 0x0f) as QoS, retain: (flags & 0x10) !== 0 };
}

function isTime(value: number): boolean {
  return Math.abs(value) <= LONGEST_TIME;
}
