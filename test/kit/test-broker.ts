/** A broker on a virtual clock and a disk in memory, with MQTT clients that speak bytes. */
import { BacklogTally } from "../../src/broker/backlog-tally.ts";
import { Broker } from "../../src/broker/broker.ts";
import { Connection } from "../../src/broker/connection.ts";
import type { ListenerPolicy } from "../../src/broker/listener-policy.ts";
import { type BrokerOptions, DEFAULT_BROKER_OPTIONS } from "../../src/broker/options.ts";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { TextCache } from "../../src/bytes/text-cache.ts";
import { encodePacket } from "../../src/mqtt/encode.ts";
import { PacketStream } from "../../src/mqtt/packet-stream.ts";
import type { ProtocolLevel } from "../../src/mqtt/packet-types.ts";
import type {
  ConnectPacket,
  Packet,
  PublishPacket,
  SubackPacket,
  SubscriptionRequest,
} from "../../src/mqtt/packets.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import type { QoS } from "../../src/mqtt/qos.ts";
import type { Access } from "../../src/seams/access.ts";
import type { BrokerHooks } from "../../src/seams/hooks.ts";
import { KeptLog } from "./kept-log.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryWire } from "./memory-wire.ts";
import { plain } from "./plain.ts";
import { seededRandom } from "./random.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface TestBrokerSettings {
  readonly options?: Partial<BrokerOptions>;
  readonly disk?: MemoryDisk;
  readonly clock?: VirtualClock;
  /** Commit whatever waits as soon as a client has been served. On by default. */
  readonly autoCommit?: boolean;
  readonly allowAnonymous?: boolean;
  readonly policy?: Partial<ListenerPolicy>;
  readonly access?: Access;
  readonly hooks?: BrokerHooks;
  /** Where its clients connect from; this machine if not given. */
  readonly remote?: string;
}

export class TestBroker {
  readonly clock: VirtualClock;
  readonly disk: MemoryDisk;
  readonly log = new KeptLog();
  readonly broker: Broker;
  readonly #autoCommit: boolean;
  readonly #allowAnonymous: boolean;
  readonly #policy: Partial<ListenerPolicy>;
  readonly #remote: string;
  readonly #random = seededRandom(1);
  readonly #topics = new TextCache(64);

  constructor(settings: TestBrokerSettings = {}) {
    this.clock = settings.clock ?? new VirtualClock();
    this.disk = settings.disk ?? new MemoryDisk();
    this.#autoCommit = settings.autoCommit ?? true;
    this.#allowAnonymous = settings.allowAnonymous ?? true;
    this.#policy = settings.policy ?? {};
    this.#remote = settings.remote ?? "127.0.0.1:4711";
    this.broker = new Broker({
      clock: this.clock,
      scheduler: this.clock.scheduler,
      journal: this.disk.open(),
      log: this.log,
      options: { ...DEFAULT_BROKER_OPTIONS, ...settings.options },
      access: settings.access,
      hooks: settings.hooks,
    });
    const tally = new BacklogTally();
    const records = this.disk
      .records()
      .filter(({ key, value }) => tally.takes(key, value) === true);
    this.broker.restore(records, tally.spans);
  }

  /** A TCP connection that has sent nothing yet, of a client that speaks this level. */
  dial(level: ProtocolLevel = 4): TestClient {
    const wire = new MemoryWire(this.#remote);
    const connection = new Connection({
      broker: this.broker,
      wire,
      policy: {
        name: "main",
        label: "port 1883",
        origin: "mqtt",
        allowAnonymous: this.#allowAnonymous,
        ...this.#policy,
      },
      random: this.#random,
      topics: this.#topics,
    });
    wire.open(connection);
    connection.open();
    const afterwards = (): void => {
      if (this.#autoCommit) this.disk.commit();
    };
    return new TestClient(wire, afterwards, level, () => this.disk.commit());
  }

  /** A client that has connected; its CONNACK has been taken. */
  connect(clientId: string, fields: Partial<ConnectPacket> = {}): TestClient {
    const client = this.dial(fields.level);
    client.send(connectPacket(clientId, fields));
    client.takeConnack();
    return client;
  }

  /** A client of MQTT 5.0 that has connected. */
  connect5(
    clientId: string,
    properties: Properties = {},
    fields: Partial<ConnectPacket> = {},
  ): TestClient {
    return this.connect(clientId, { level: 5, properties, ...fields });
  }

  /** The power goes and comes back: a new broker on what the disk holds. */
  restart(settings: TestBrokerSettings = {}): TestBroker {
    this.disk.crash();
    return new TestBroker({
      disk: this.disk,
      clock: this.clock,
      autoCommit: this.#autoCommit,
      ...settings,
    });
  }
}

export function connectPacket(
  clientId: string,
  fields: Partial<ConnectPacket> = {},
): ConnectPacket {
  return {
    kind: "connect",
    level: 4,
    bridge: false,
    clientId,
    cleanStart: true,
    keepAlive: 0,
    ...fields,
  };
}

/** The client's end of a connection in memory. */
export class TestClient {
  readonly wire: MemoryWire;
  /** The first packet that answered `TestBroker.connect`. */
  connack: Packet | undefined;
  readonly level: ProtocolLevel;
  readonly #afterwards: () => void;
  readonly #commit: () => void;
  readonly #stream: PacketStream;
  #received: Packet[] = [];

  constructor(
    wire: MemoryWire,
    afterwards: () => void,
    level: ProtocolLevel,
    commit: () => void = () => {},
  ) {
    this.wire = wire;
    this.level = level;
    this.#afterwards = afterwards;
    this.#commit = commit;
    this.#stream = new PacketStream({ maximumPacketSize: 10_000_000, role: "client", level });
  }

  send(packet: Packet): void {
    const writer = new ByteWriter();
    encodePacket(writer, packet, this.level);
    this.sendBytes(writer.copy());
  }

  sendBytes(bytes: Uint8Array): void {
    this.wire.arrive(bytes);
    this.#afterwards();
  }

  publish(
    topic: string,
    payload: string,
    qos: QoS = 0,
    packetId = 0,
    retain = false,
    dup = false,
    properties?: Properties,
  ): void {
    const bytes = new TextEncoder().encode(payload);
    this.send({ kind: "publish", topic, payload: bytes, qos, packetId, retain, dup, properties });
  }

  /** Publishes with properties of MQTT 5.0, at QoS 0. */
  publishWith(properties: Properties, topic: string, payload: string, retain = false): void {
    this.publish(topic, payload, 0, 0, retain, false, properties);
  }

  /** Takes the CONNACK; what came with it stays to be taken. */
  takeConnack(): void {
    [this.connack, ...this.#received] = this.take();
  }

  /** Subscribes, durably, and takes the SUBACK; what came with it stays to be taken. */
  subscribe(
    filter: string,
    qos: QoS = 0,
    options: Partial<SubscriptionRequest> = {},
    identifier?: number,
  ): readonly number[] {
    const properties =
      identifier === undefined ? undefined : { subscriptionIdentifiers: [identifier] };
    const subscriptions = [{ filter, qos, ...options }];
    this.send({ kind: "subscribe", packetId: 1, subscriptions, properties });
    this.#commit();
    return this.takeSuback().codes;
  }

  /** Takes the SUBACK; what came with it stays to be taken. */
  takeSuback(): SubackPacket {
    const packets = this.take();
    const suback = packets.find((packet) => packet.kind === "suback");
    if (suback === undefined) {
      throw new Error(`expected SUBACK, got ${packets.map(({ kind }) => kind)}`);
    }
    this.#received = packets.filter((packet) => packet !== suback);
    return suback;
  }

  /** Everything that has come since the last call. */
  take(): Packet[] {
    const packets = this.#received;
    this.#received = [];
    const fault = this.#stream.feed(this.wire.take(), (packet) =>
      packets.push(
        plain(packet.kind === "publish" ? { ...packet, payload: packet.payload.slice() } : packet),
      ),
    );
    if (fault !== undefined) throw new Error(fault.detail);
    return packets;
  }

  /** PUBLISH packets that have come since. */
  publishes(): PublishPacket[] {
    return this.take().flatMap((packet) => (packet.kind === "publish" ? [packet] : []));
  }

  /**
   * How the other side has ended the connection: "0x8e" where DISCONNECT said so, "0x85 connack" where
   * CONNACK did, "closed" without a word, "open" if it has not. Whatever came before is taken.
   */
  ending(): string {
    const last = this.take().at(-1);
    if (!this.closed) return "open";
    if (last?.kind === "disconnect") return `0x${(last.reasonCode ?? 0).toString(16)}`;
    if (last?.kind === "connack") return `0x${last.returnCode.toString(16)} connack`;
    return "closed";
  }

  /** PUBLISH packets that have come since, as "topic=payload" with marks for what is set. */
  messages(): string[] {
    return this.take().flatMap((packet) => (packet.kind === "publish" ? [describe(packet)] : []));
  }

  /** The other side asked for the end of the connection. */
  get closed(): boolean {
    return this.wire.closing;
  }

  /** The connection breaks without DISCONNECT. */
  break(): void {
    this.wire.break();
    this.#afterwards();
  }
}

function describe(packet: Packet & { kind: "publish" }): string {
  const marks = `${packet.qos > 0 ? ` q${packet.qos}` : ""}${packet.retain ? " retain" : ""}${packet.dup ? " dup" : ""}`;
  return `${packet.topic}=${new TextDecoder().decode(packet.payload)}${marks}`;
}
