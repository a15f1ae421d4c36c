/**
 * The broker's facts as records of the journal, one record per fact, and back.
 *
 * Keys: `s/CLIENT` session, `f/CLIENT\0FILTER` subscription, `q/CLIENT\0SEQUENCE` delivery that
 * waits, `p/CLIENT\0SEQUENCE` delivery that has a packet identifier (of those there are few, so that
 * the others need not be read to find them),
 * `i/CLIENT\0PACKETID` QoS 2 identifier received, `w/CLIENT` will, `r/TOPIC` retained message,
 * `t/queue` the time by which messages wait. NUL separates because no MQTT string holds it. The first
 * byte of every value is the format's version: 2 has neither the publishers of retained messages nor the
 * shared subscriptions of deliveries, nor wills; 4 is of deliveries that say since when they wait.
 */
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { PacketType } from "../mqtt/packet-types.ts";
import { decodeProperties, encodeProperties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Publisher } from "../seams/access.ts";
import type { Origin } from "../seams/door.ts";
import type { Journal, Settleable, StoredRecord } from "../seams/journal.ts";
import { Message } from "../seams/message.ts";
import type { Clock } from "../time/clock.ts";
import { isTopicFilter, isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import { Delivery } from "./delivery.ts";
import { forwardedProperties } from "./forwarded-properties.ts";
import { ORIGINS, readPublisher, writePublisher } from "./publisher-record.ts";
import { LATEST_QUEUE_TIME, type QueueTime } from "./queue-clock.ts";
import type { Session } from "./session.ts";
import { sharedFilter } from "./shared-filter.ts";
import type { Subscription } from "./subscription.ts";
import { readWill, type StoredWill, writeWill } from "./will-record.ts";

const VERSION = 3;
/** Of deliveries that say since when they wait. */
const STAMPED_VERSION = 4;
const OLDEST_VERSION = 2;
const SEQUENCE_DIGITS = 12;
/** Memory for records, bytes, and what most records fit into. */
const SLAB = 16_384;
const RARELY_LONGER = 512;
/** Of subscriptions: what a variable byte integer holds. */
const LARGEST_IDENTIFIER = 268_435_455;
const QUEUE_TIME_KEY = "t/queue";
/** As on the wire: a session that does not expire. */
const FOR_GOOD = 0xffffffff;

/** A record read back, as a value; undefined from `readRecord` means that it is not whole. */
export type BrokerFact =
  | {
      readonly kind: "session";
      readonly clientId: string;
      readonly origin: Origin;
      readonly queueQos0: boolean;
      readonly bridge: boolean;
      readonly leftAt: number;
      readonly sessionExpiry: number | undefined;
      /** `Session.since` */
      readonly since: number;
    }
  | {
      readonly kind: "subscription";
      readonly clientId: string;
      readonly filter: string;
      readonly subscription: Subscription;
    }
  | {
      readonly kind: "delivery";
      readonly clientId: string;
      readonly delivery: Delivery;
      /** `SharedGroup.key` of the shared subscription that brought it. */
      readonly group: string | undefined;
    }
  | {
      readonly kind: "incoming";
      readonly clientId: string;
      readonly packetId: number;
      /** 0 where the record is of a time when there was none. */
      readonly print: number;
    }
  | { readonly kind: "queue time"; readonly clientId: string; readonly time: QueueTime }
  | { readonly kind: "will"; readonly clientId: string; readonly stored: StoredWill }
  | {
      readonly kind: "retained";
      readonly message: Message;
      readonly source: Publisher | undefined;
    };

export class Records {
  readonly #journal: Journal;
  readonly #clock: Clock;
  /** Holds many records one after the other, as memory for each alone costs more than its bytes. */
  #writer = new ByteWriter(SLAB);
  /** Where the record begins that is being written. */
  #start = 0;
  /** Of the next delivery to any session: they give the order, over restarts too. */
  sequence = 1;

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  nextSequence(): number {
    return this.sequence++;
  }

  /** A sequence is taken: those that are given come after it. */
  pass(sequence: number): void {
    this.sequence = Math.max(this.sequence, sequence + 1);
  }

  /** Whether what was put can be read back. */
  get canRead(): boolean {
    return this.#journal.read !== undefined;
  }

  /** Reads, now or later, up to `limit` records of a client's deliveries, by sequences. */
  readDeliveries(
    clientId: string,
    from: number,
    until: number,
    limit: number,
    take: (records: readonly StoredRecord[]) => void,
  ): void {
    const key = `q/${clientId}\0`;
    this.#journal.read?.(key + sequenceKey(from), key + sequenceKey(until + 1), limit, take);
  }

  /** Nothing is to be put that can be refused. */
  get full(): boolean {
    return this.#journal.full === true;
  }

  afterCommit(waiting: Settleable): void {
    this.#journal.afterCommit(waiting);
  }

  putSession(session: Session): void {
    const writer = this.#begin();
    writer.u8(ORIGINS.indexOf(session.origin));
    writer.u8((session.queueQos0 ? 1 : 0) | (session.bridge ? 2 : 0));
    writer.f64(session.leftAt ?? 0);
    writer.u32(session.sessionExpiry ?? FOR_GOOD);
    writer.f64(session.since);
    this.#put(`s/${session.clientId}`);
  }

  deleteSession(clientId: string): void {
    this.#journal.delete(`s/${clientId}`);
  }

  putSubscription(clientId: string, filter: string, subscription: Subscription): void {
    const { qos, noLocal, retainAsPublished, identifier } = subscription;
    const writer = this.#begin();
    writer.u8(qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0));
    writer.u32(identifier ?? 0);
    this.#put(`f/${clientId}\0${filter}`);
  }

  deleteSubscription(clientId: string, filter: string): void {
    this.#journal.delete(`f/${clientId}\0${filter}`);
  }

  putDelivery(clientId: string, delivery: Delivery): void {
    const { message, packetId } = delivery;
    // What has a packet identifier waits no more.
    const queuedAt = packetId > 0 ? 0 : delivery.queuedAt;
    const writer = this.#begin(queuedAt > 0 ? STAMPED_VERSION : VERSION);
    // Once the recipient has it, it goes to nobody else.
    const group = message === undefined ? undefined : delivery.group;
    writer.u8(
      delivery.qos |
        (delivery.retain ? 4 : 0) |
        (message === undefined ? 8 : 0) |
        (group === undefined ? 0 : 16),
    );
    writer.u16(packetId);
    if (queuedAt > 0) writer.u32(queuedAt);
    const { identifiers = [] } = delivery;
    writer.u16(identifiers.length);
    for (const identifier of identifiers) writer.u32(identifier);
    if (group !== undefined) writer.utf8(group.key);
    if (message !== undefined) this.#writeMessage(message);
    const { storedId, sequence } = delivery;
    if (storedId !== undefined && storedId > 0 !== packetId > 0) {
      this.deleteDelivery(clientId, sequence, storedId > 0);
    }
    delivery.storedId = packetId;
    this.#put(deliveryKey(clientId, sequence, packetId > 0));
  }

  /** `numbered`: its record has a packet identifier. */
  deleteDelivery(clientId: string, sequence: number, numbered: boolean): void {
    this.#journal.delete(deliveryKey(clientId, sequence, numbered));
  }

  /** `print` is `Received.print`, 32 bits. */
  putIncoming(clientId: string, packetId: number, print: number): void {
    this.#begin().u32(print);
    this.#put(`i/${clientId}\0${packetId}`);
  }

  deleteIncoming(clientId: string, packetId: number): void {
    this.#journal.delete(`i/${clientId}\0${packetId}`);
  }

  putWill(clientId: string, stored: StoredWill): void {
    writeWill(this.#begin(), stored);
    this.#put(`w/${clientId}`);
  }

  deleteWill(clientId: string): void {
    this.#journal.delete(`w/${clientId}`);
  }

  putQueueTime({ seconds, wall, since }: QueueTime): void {
    const writer = this.#begin();
    for (const number of [seconds, wall, since]) writer.f64(number);
    this.#put(QUEUE_TIME_KEY);
  }

  putRetained(message: Message, source: Publisher | undefined): void {
    this.#begin();
    this.#writeMessage(message, source);
    this.#put(`r/${message.topic}`);
  }

  deleteRetained(topic: string): void {
    this.#journal.delete(`r/${topic}`);
  }

  #writeMessage(message: Message, source?: Publisher): void {
    const { topic, payload, qos, retain, properties, expiresAt } = message;
    const writer = this.#writer;
    writer.u8(
      qos | (retain ? 4 : 0) | (properties === undefined ? 0 : 8) | (source === undefined ? 0 : 16),
    );
    // The monotonic clock begins anew with the next process.
    writer.f64(expiresAt === undefined ? 0 : this.#clock.wall() + expiresAt - this.#clock.now());
    writer.utf8(topic);
    if (source !== undefined) writePublisher(writer, source);
    if (properties !== undefined) encodeProperties(writer, properties);
    writer.raw(payload);
  }

  #begin(version = VERSION): ByteWriter {
    // What was written stays the journal's.
    if (this.#writer.length > SLAB - RARELY_LONGER) this.#writer = new ByteWriter(SLAB);
    const writer = this.#writer;
    this.#start = writer.length;
    writer.u8(version);
    return writer;
  }

  #put(key: string): void {
    const { bytes, length } = this.#writer;
    this.#journal.put(key, bytes.subarray(this.#start, length));
  }
}

function sequenceKey(sequence: number): string {
  return sequence.toString(16).padStart(SEQUENCE_DIGITS, "0");
}

function deliveryKey(clientId: string, sequence: number, numbered: boolean): string {
  return `${numbered ? "p" : "q"}/${clientId}\0${sequenceKey(sequence)}`;
}

/** Whose delivery a key stands for that waits; undefined if it is no such delivery's. */
export function deliveryKeyParts(
  key: string,
): { readonly clientId: string; readonly sequence: number } | undefined {
  if (!key.startsWith("q/")) return undefined;
  const separator = key.indexOf("\0");
  if (separator < 0) return undefined;
  const sequence = Number.parseInt(key.slice(separator + 1), 16);
  return Number.isSafeInteger(sequence)
    ? { clientId: key.slice(2, separator), sequence }
    : undefined;
}

/** The first key behind those of the client's deliveries that wait. */
export function endOfDeliveries(clientId: string): string {
  return `q/${clientId}\u0001`;
}

interface MessageFact {
  readonly message: Message;
  readonly source: Publisher | undefined;
}

/** Undefined where no client could be sent such a message. */
function readMessage(reader: ByteReader, clock: Clock): MessageFact | undefined {
  const flags = reader.u8();
  const expiry = reader.f64();
  const topic = reader.utf8();
  const source = (flags & 16) === 0 ? undefined : readPublisher(reader);
  if ((flags & 16) !== 0 && source === undefined) return undefined;
  const properties = (flags & 8) === 0 ? undefined : decodeProperties(reader, PacketType.publish);
  if (properties !== undefined && "kind" in properties) return undefined;
  if (!isTopicName(topic, LONGEST_TOPIC) || !Number.isFinite(expiry)) return undefined;
  const message = new Message(
    topic,
    reader.rest().slice(),
    asQos(flags & 3),
    (flags & 4) !== 0,
    false,
    properties === undefined ? undefined : forwardedProperties(properties),
    expiry === 0 ? undefined : clock.now() + expiry - clock.wall(),
  );
  return { message, source };
}

function readSubscription(reader: ByteReader): Subscription | undefined {
  const flags = reader.u8();
  const identifier = reader.u32();
  if (identifier > LARGEST_IDENTIFIER) return undefined;
  return {
    qos: asQos(flags & 3),
    noLocal: (flags & 4) !== 0,
    retainAsPublished: (flags & 8) !== 0,
    identifier: identifier === 0 ? undefined : identifier,
  };
}

function asQos(bits: number): QoS {
  return bits === 1 || bits === 2 ? bits : 0;
}

/** Whether a key is one of the broker's. */
export function isBrokerKey(key: string): boolean {
  return /^[sfpqirwt]\//.test(key);
}

/** Reads a record of the broker's back; undefined where it is damaged or of a later format. */
export function readRecord({ key, value }: StoredRecord, clock: Clock): BrokerFact | undefined {
  const reader = new ByteReader(value);
  const version = reader.u8();
  const isStamped = version === STAMPED_VERSION && key.startsWith("q/");
  if (version < OLDEST_VERSION || (version > VERSION && !isStamped)) return undefined;
  const name = key.slice(2);
  const separator = name.indexOf("\0");
  const clientId = separator < 0 ? name : name.slice(0, separator);
  const detail = separator < 0 ? "" : name.slice(separator + 1);
  const fact = readFact(key, reader, clientId, detail, clock, isStamped);
  return reader.overrun || reader.badText ? undefined : fact;
}

function readDelivery(
  reader: ByteReader,
  clientId: string,
  sequence: number,
  clock: Clock,
  isStamped: boolean,
): BrokerFact | undefined {
  const flags = reader.u8();
  const packetId = reader.u16();
  const queuedAt = isStamped ? reader.u32() : 0;
  const identifiers = Array.from({ length: Math.min(reader.u16(), reader.remaining) }, () =>
    reader.u32(),
  );
  const group = (flags & 16) === 0 ? undefined : reader.utf8();
  const qos = flags & 3;
  const isReceived = (flags & 8) !== 0;
  const message = isReceived ? undefined : readMessage(reader, clock)?.message;
  const isWhole = isReceived ? qos === 2 && packetId > 0 : message !== undefined;
  if (!isWhole || !Number.isSafeInteger(sequence) || qos === 3) return undefined;
  if (qos === 0 && packetId > 0) return undefined;
  if (identifiers.some((one) => one === 0 || one > LARGEST_IDENTIFIER)) return undefined;
  const delivery = new Delivery(message, asQos(qos), (flags & 4) !== 0, sequence);
  delivery.packetId = packetId;
  delivery.queuedAt = queuedAt;
  delivery.stored = true;
  delivery.committed = true;
  delivery.storedId = packetId;
  if (identifiers.length > 0) delivery.identifiers = identifiers;
  return { kind: "delivery", clientId, delivery, group };
}

function readQueueTime(reader: ByteReader): BrokerFact | undefined {
  const [seconds, wall, since] = [reader.f64(), reader.f64(), reader.f64()];
  if (![seconds, wall, since].every(Number.isSafeInteger)) return undefined;
  const isPossible = seconds >= 1 && seconds <= LATEST_QUEUE_TIME && since >= 0 && since <= seconds;
  return isPossible
    ? { kind: "queue time", clientId: "", time: { seconds, wall, since } }
    : undefined;
}

function isSubscribable(filter: string): boolean {
  const shared = sharedFilter(filter);
  if (shared === "invalid") return false;
  return isTopicFilter(shared?.filter ?? filter, LONGEST_TOPIC);
}

function readFact(
  key: string,
  reader: ByteReader,
  clientId: string,
  detail: string,
  clock: Clock,
  isStamped: boolean,
): BrokerFact | undefined {
  switch (key.charAt(0)) {
    case "s": {
      const origin = ORIGINS[reader.u8()];
      const flags = reader.u8();
      const leftAt = reader.f64();
      const sessionExpiry = reader.u32();
      // Records of before have none.
      const since = reader.remaining > 0 ? reader.f64() : 0;
      if (!Number.isSafeInteger(since) || since < 0) return undefined;
      if (origin === undefined || !Number.isFinite(leftAt)) return undefined;
      return {
        kind: "session",
        clientId,
        origin,
        queueQos0: (flags & 1) !== 0,
        bridge: (flags & 2) !== 0,
        leftAt,
        sessionExpiry: sessionExpiry === FOR_GOOD ? undefined : sessionExpiry,
        since,
      };
    }
    case "f": {
      const subscription = readSubscription(reader);
      if (subscription === undefined || !isSubscribable(detail)) return undefined;
      return { kind: "subscription", clientId, filter: detail, subscription };
    }
    case "p":
    case "q":
      return readDelivery(reader, clientId, Number.parseInt(detail, 16), clock, isStamped);
    case "i": {
      const packetId = Number.parseInt(detail, 10);
      const print = reader.remaining > 0 ? reader.u32() : 0;
      return packetId > 0 ? { kind: "incoming", clientId, packetId, print } : undefined;
    }
    case "t":
      return key === QUEUE_TIME_KEY ? readQueueTime(reader) : undefined;
    case "w": {
      const stored = readWill(reader);
      if (stored === undefined || key.includes("\0")) return undefined;
      return { kind: "will", clientId, stored };
    }
    case "r": {
      const read = readMessage(reader, clock);
      if (read?.message.topic !== key.slice(2) || read.message.payload.length === 0) {
        return undefined;
      }
      return { kind: "retained", ...read };
    }
    default:
      return undefined;
  }
}
