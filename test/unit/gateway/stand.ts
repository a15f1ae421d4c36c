/**
 * A gateway on the bench: a hand-moved clock, a link that notes what is sent, a fake broker behind
 * it.
 */
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { Gateway, type GatewayParts } from "../../../src/gateway/gateway.ts";
import { DEFAULT_GATEWAY_OPTIONS, type GatewayOptions } from "../../../src/gateway/options.ts";
import { decodeMessage } from "../../../src/mqttsn/decode.ts";
import { encodeMessage } from "../../../src/mqttsn/encode.ts";
import type { SnMessage, SnQoS, TopicReference } from "../../../src/mqttsn/packets.ts";
import type { Door } from "../../../src/seams/door.ts";
import type { Journal, Settleable, StoredRecord } from "../../../src/seams/journal.ts";
import type { Link, LinkAddress, Reception } from "../../../src/seams/link.ts";
import { FakeDoor } from "../../kit/fake-door.ts";
import { MemoryDocuments } from "../../kit/memory-documents.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

export const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
export const text = (value: Uint8Array): string => new TextDecoder().decode(value);

export function frameOf(message: SnMessage): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.copy();
}

/** What `decodeMessage` makes of a frame that must be well-formed. */
export function messageOf(frame: Uint8Array): SnMessage {
  const message = decodeMessage(frame.slice());
  if (message.kind === "fault")
    throw new Error(`the gateway sent a broken frame: ${message.detail}`);
  return message;
}

export class FakeLink implements Link {
  readonly name: string;
  maximumFrame = 1400;
  retryInterval = 10_000;
  retryLimit = 4;
  gatewayId: number | undefined;
  advertiseInterval: number | undefined;
  /** Whether it can tell addresses from their keys, as UDP can. */
  knowsAddresses = false;
  /** By address key, what was sent and not yet taken. */
  readonly sent = new Map<string, SnMessage[]>();
  broadcasts: SnMessage[] = [];
  /** The radius of each broadcast. */
  readonly radii: (number | undefined)[] = [];

  constructor(name = "udp") {
    this.name = name;
  }

  send(to: LinkAddress, frame: Uint8Array): void {
    let messages = this.sent.get(to.key);
    if (messages === undefined) {
      messages = [];
      this.sent.set(to.key, messages);
    }
    messages.push(messageOf(frame));
  }

  broadcast(frame: Uint8Array, radius?: number): void {
    this.broadcasts.push(messageOf(frame));
    this.radii.push(radius);
  }

  addressOf(key: string): LinkAddress | undefined {
    return this.knowsAddresses ? { key } : undefined;
  }
}

export class FakeJournal implements Journal {
  readonly records = new Map<string, Uint8Array>();
  /** Puts and deletes so far. */
  writes = 0;
  /** Nothing is durable before `commit()`. */
  slow = false;
  /** The disk takes nothing. */
  full = false;
  readonly #waiting: Settleable[] = [];

  put(key: string, value: Uint8Array): void {
    this.writes++;
    this.records.set(key, value);
  }

  delete(key: string): void {
    this.writes++;
    this.records.delete(key);
  }

  afterCommit(waiting: Settleable): void {
    this.#waiting.push(waiting);
    if (!this.slow) this.commit();
  }

  commit(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.settle();
  }

  stored(): StoredRecord[] {
    return [...this.records].map(([key, value]) => ({ key, value }));
  }
}

export interface Connecting {
  readonly clean?: boolean;
  readonly will?: boolean;
  readonly keepAlive?: number;
  readonly protocolId?: number;
}

/** Someone at an address; speaks MQTT-SN word by word as the test says. */
export class Speaker {
  readonly link: FakeLink;
  readonly address: LinkAddress;
  readonly #stand: Stand;
  #messageId = 0;

  constructor(stand: Stand, link: FakeLink, key: string) {
    this.#stand = stand;
    this.link = link;
    this.address = { key };
  }

  say(message: SnMessage): void {
    this.sayRaw(frameOf(message));
  }

  sayRaw(frame: Uint8Array, reception?: Reception): void {
    this.#stand.gateway.receive(this.link, this.address, frame, reception);
  }

  /** What came since the last time. */
  take(): SnMessage[] {
    const messages = this.link.sent.get(this.address.key) ?? [];
    this.link.sent.delete(this.address.key);
    return messages;
  }

  kinds(): string[] {
    return this.take().map((message) => message.kind);
  }

  connect(clientId: string, { clean, will, keepAlive, protocolId }: Connecting = {}): SnMessage[] {
    this.say({
      kind: "connect",
      clientId,
      cleanSession: clean ?? true,
      will: will ?? false,
      duration: keepAlive ?? 60,
      protocolId: protocolId ?? 1,
    });
    return this.take();
  }

  register(topicName: string): SnMessage[] {
    this.say({ kind: "register", topicId: 0, messageId: ++this.#messageId, topicName });
    return this.take();
  }

  subscribe(topic: string | TopicReference, qos: SnQoS = 0): SnMessage[] {
    const reference: TopicReference =
      typeof topic === "string" ? { type: "name", name: topic } : topic;
    const messageId = ++this.#messageId;
    this.say({ kind: "subscribe", dup: false, qos, messageId, topic: reference });
    return this.take();
  }

  publish(
    topicId: number,
    payload: string,
    qos: SnQoS = 0,
    rest: {
      topicIdType?: "normal" | "predefined" | "short";
      messageId?: number;
      dup?: boolean;
      retain?: boolean;
    } = {},
  ): SnMessage[] {
    this.say({
      kind: "publish",
      dup: rest.dup ?? false,
      qos,
      retain: rest.retain ?? false,
      topicIdType: rest.topicIdType ?? "normal",
      topicId,
      messageId: rest.messageId ?? (qos > 0 ? ++this.#messageId : 0),
      payload: bytes(payload),
    });
    return this.take();
  }

  ping(clientId?: string): SnMessage[] {
    this.say({ kind: "pingreq", clientId });
    return this.take();
  }

  disconnect(duration?: number): SnMessage[] {
    this.say({ kind: "disconnect", duration });
    return this.take();
  }

  puback(messageId: number, returnCode = 0, topicId = 1): SnMessage[] {
    this.say({ kind: "puback", topicId, messageId, returnCode });
    return this.take();
  }

  regack(messageId: number, returnCode = 0, topicId = 1): SnMessage[] {
    this.say({ kind: "regack", topicId, messageId, returnCode });
    return this.take();
  }
}

export interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
}

export class Stand {
  readonly clock: VirtualClock;
  readonly door: FakeDoor;
  readonly journal: FakeJournal;
  readonly documents: MemoryDocuments;
  readonly link: FakeLink;
  readonly lines: Line[] = [];
  readonly gateway: Gateway;
  /** How many records were left out when it was restored. */
  readonly restored: number;

  /**
   * With `before`, one that goes on with what another one stored, which may have stopped or just
   * ended.
   */
  constructor(
    options: Partial<GatewayOptions> = {},
    before?: Stand,
    door?: Door,
    more: Pick<GatewayParts, "access" | "documents"> = {},
  ) {
    this.clock = new VirtualClock(before?.clock.wall());
    this.door = before?.door ?? new FakeDoor();
    this.journal = before?.journal ?? new FakeJournal();
    this.documents = before?.documents ?? new MemoryDocuments();
    this.link = new FakeLink();
    this.link.knowsAddresses = before?.link.knowsAddresses ?? false;
    const note = (level: Line["level"]) => (line: string) =>
      void this.lines.push({ level, text: line });
    this.gateway = new Gateway({
      door: door ?? this.door,
      clock: this.clock,
      scheduler: this.clock.scheduler,
      journal: this.journal,
      documents: this.documents,
      log: {
        debugging: true,
        debug: note("debug"),
        info: note("info"),
        notice: note("info"),
        warn: note("warn"),
        error: note("error"),
        connection: note("info"),
        subscribe: note("debug"),
        unsubscribe: note("debug"),
      },
      options: { ...DEFAULT_GATEWAY_OPTIONS, ...options },
      ...more,
    });
    before?.door.letGo();
    this.restored = before === undefined ? 0 : this.gateway.restore(this.journal.stored());
    this.gateway.attach(this.link);
    this.gateway.start();
    this.clock.advance(0);
  }

  /** Someone at an address of the link. */
  at(key: string, link = this.link): Speaker {
    return new Speaker(this, link, key);
  }

  /** A node that is connected, with what it was answered taken already. */
  node(clientId: string, connecting: Connecting = {}): Speaker {
    const speaker = this.at(`at-${clientId}`);
    speaker.connect(clientId, connecting);
    return speaker;
  }

  /** A node that subscribes and sleeps. */
  sleeper(clientId: string, filter: string, qos: SnQoS = 1, duration = 600): Speaker {
    const speaker = this.node(clientId, { clean: false });
    speaker.subscribe(filter, qos);
    speaker.disconnect(duration);
    return speaker;
  }

  /** The report on a node as last announced. */
  report(clientId: string): Record<string, unknown> {
    const announced = this.door.announced.get(`$SYS/gateway/nodes/${clientId}`);
    return announced === undefined || announced === "" ? {} : JSON.parse(announced);
  }

  /** The report on the link as last announced. */
  linkReport(name = "udp"): Record<string, unknown> {
    return JSON.parse(this.door.announced.get(`$SYS/gateway/links/${name}`) ?? "{}");
  }

  state(clientId: string): unknown {
    return this.report(clientId).state;
  }

  /** Seconds pass. */
  pass(seconds: number): void {
    this.clock.advance(seconds * 1000);
  }

  logged(pattern: RegExp, level?: Line["level"]): number {
    return this.lines.filter(
      (line) => pattern.test(line.text) && (level === undefined || level === line.level),
    ).length;
  }
}
