/**
 * An MQTT 3.1 and 3.1.1 client on one connection, without any I/O of its own. It speaks the protocol
 * and checks the server's answers; what the messages mean, and when they are safe, is its owner's.
 */
import { encodeAck, encodePacket, encodePublish } from "../mqtt/encode.ts";
import { PacketStream } from "../mqtt/packet-stream.ts";
import type {
  ConnackPacket,
  Packet,
  ProtocolLevel,
  PublishPacket,
  SubackPacket,
  SubscriptionRequest,
  WillFields,
} from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { Ending } from "./ending.ts";
import { KeepAlive } from "./keep-alive.ts";

export interface MqttClientOptions {
  readonly level: ProtocolLevel;
  /** Mark the client as a bridge, see `ConnectPacket.bridge`. */
  readonly bridge?: boolean | undefined;
  readonly clientId: string;
  readonly cleanSession: boolean;
  /** Seconds, 0 for none. */
  readonly keepAlive: number;
  readonly will?: WillFields | undefined;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
  /** Longest packet taken from the server, bytes; 268 435 460, the protocol's own limit, if not given. */
  readonly maximumPacketSize?: number | undefined;
  /** How long the server may take to answer CONNECT or PINGREQ, ms; 20 000 if not given. */
  readonly patience?: number | undefined;
}

export interface MqttClientParts {
  readonly wire: Wire;
  readonly owner: MqttClientOwner;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly options: MqttClientOptions;
}

/** Who uses a client. All calls come from within calls of the wire or the scheduler. */
export interface MqttClientOwner {
  /** The server accepted. 3.1 servers cannot tell of the session: it then counts as present unless clean. */
  connected(sessionPresent: boolean): void;
  /**
   * A message came; its payload lies in a buffer that is reused after the call. With a QoS above 0
   * the owner answers with `acknowledge` when the message is safe; a QoS 2 message may come again
   * under its packetId until `released`.
   */
  message(packet: PublishPacket): void;
  /**
   * The server will not send the QoS 2 message `packetId` again. The owner answers with `complete`,
   * even if it does not know the message: the server repeats PUBREL until it is [MQTT-4.3.3-2].
   */
  released(packetId: number): void;
  /** PUBREC came for a QoS 2 publish; the owner answers with `release`. */
  received(packetId: number): void;
  /** PUBACK or PUBCOMP came: the server has the message for good. */
  acknowledged(packetId: number): void;
  /** SUBACK: a granted QoS or 0x80 for each filter asked for. */
  subscribed(packetId: number, codes: readonly number[]): void;
  unsubscribed(packetId: number): void;
  /** The wire has taken its backlog. */
  drained(): void;
  /** The connection is over; nothing more comes. */
  closed(ending: Ending): void;
}

/** What the server is to answer under a packet identifier. */
type Awaited = "puback" | "pubrec" | "pubcomp" | "unsuback" | { readonly filters: number };

const LONGEST_PACKET = 268_435_460;
const PATIENCE = 20_000;
const ACCEPTED = 0;

export class MqttClient implements WireEnd {
  readonly #wire: Wire;
  readonly #owner: MqttClientOwner;
  readonly #options: MqttClientOptions;
  readonly #scheduler: Scheduler;
  readonly #stream: PacketStream;
  readonly #keepAlive: KeepAlive | undefined;
  readonly #awaited = new Map<number, Awaited>();
  readonly #take = (packet: Packet): void => this.#handle(packet);
  #state: "new" | "connecting" | "connected" | "closed" = "new";
  #connackTimer: Timer | undefined;
  #lastPacketId = 0;

  constructor({ wire, owner, clock, scheduler, options }: MqttClientParts) {
    this.#wire = wire;
    this.#owner = owner;
    this.#options = options;
    this.#scheduler = scheduler;
    this.#stream = new PacketStream({
      maximumPacketSize: options.maximumPacketSize ?? LONGEST_PACKET,
      role: "client",
    });
    if (options.keepAlive > 0) {
      const interval = options.keepAlive * 1000;
      this.#keepAlive = new KeepAlive({
        clock,
        scheduler,
        interval,
        patience: Math.min(interval, options.patience ?? PATIENCE),
        ping: () => this.#send({ kind: "pingreq" }),
        silent: () => this.#end({ kind: "silent", detail: "no answer to a keep-alive ping" }),
      });
    }
  }

  /** Sends CONNECT. Call once. */
  start(): void {
    const { level, bridge, clientId, cleanSession, keepAlive, will, username, password, patience } =
      this.#options;
    this.#state = "connecting";
    this.#send({
      kind: "connect",
      level,
      bridge: bridge === true,
      clientId,
      cleanStart: cleanSession,
      keepAlive,
      will,
      username,
      password,
    });
    this.#connackTimer = this.#scheduler.after(patience ?? PATIENCE, () => {
      this.#end({ kind: "silent", detail: "no answer to CONNECT" });
    });
  }

  /** CONNACK has come and the connection stands. */
  get connected(): boolean {
    return this.#state === "connected";
  }

  /** Bytes that the network has not taken yet. */
  get backlog(): number {
    return this.#wire.backlog;
  }

  /** How many answers of the server are outstanding. */
  get awaiting(): number {
    return this.#awaited.size;
  }

  /** An identifier that nothing is in flight under; 0 when all 65 535 are. */
  freePacketId(): number {
    for (let tries = 0; tries < 65535; tries++) {
      this.#lastPacketId = this.#lastPacketId === 65535 ? 1 : this.#lastPacketId + 1;
      if (!this.#awaited.has(this.#lastPacketId)) return this.#lastPacketId;
    }
    return 0;
  }

  /**
   * Sends PUBLISH, `packetId` being 0 at QoS 0, else one that is free. The owner keeps the message
   * and sends it again with `dup` on the next connection if it was not `acknowledged` on this one.
   */
  publish(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
  ): void {
    if (this.#state !== "connected") return;
    if (qos > 0) this.#awaited.set(packetId, qos === 1 ? "puback" : "pubrec");
    encodePublish(this.#wire.output, topic, payload, qos, retain, dup, packetId);
    this.#sent();
  }

  /** Sends PUBREL for a QoS 2 publish that was `received`. */
  release(packetId: number): void {
    if (this.#state !== "connected") return;
    this.#awaited.set(packetId, "pubcomp");
    this.#acknowledge("pubrel", packetId);
  }

  /** Acknowledges a message that came: PUBACK at QoS 1, PUBREC at QoS 2. */
  acknowledge(packetId: number, qos: QoS): void {
    if (qos > 0 && this.#state === "connected") {
      this.#acknowledge(qos === 1 ? "puback" : "pubrec", packetId);
    }
  }

  /** Sends PUBCOMP for a QoS 2 message that the server `released`. */
  complete(packetId: number): void {
    if (this.#state === "connected") this.#acknowledge("pubcomp", packetId);
  }

  /** Sends SUBSCRIBE; `owner.subscribed` follows under the packetId answered (0: not sent). */
  subscribe(subscriptions: readonly SubscriptionRequest[]): number {
    const packetId = this.#state === "connected" ? this.freePacketId() : 0;
    if (packetId === 0) return 0;
    this.#awaited.set(packetId, { filters: subscriptions.length });
    this.#send({ kind: "subscribe", packetId, subscriptions });
    return packetId;
  }

  /** Sends UNSUBSCRIBE; `owner.unsubscribed` follows under the packetId answered (0: not sent). */
  unsubscribe(filters: readonly string[]): number {
    const packetId = this.#state === "connected" ? this.freePacketId() : 0;
    if (packetId === 0) return 0;
    this.#awaited.set(packetId, "unsuback");
    this.#send({ kind: "unsubscribe", packetId, filters });
    return packetId;
  }

  /** Leaves in order, so that the server does not publish the will. */
  disconnect(): void {
    if (this.#state === "connected") this.#send({ kind: "disconnect" });
    this.#end({ kind: "done" });
  }

  /** Drops the connection without a DISCONNECT, for a fault that the owner sees. */
  abort(detail: string): void {
    this.#end({ kind: "fault", detail });
  }

  receive(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#keepAlive?.heard();
    const fault = this.#stream.feed(bytes, this.#take);
    if (fault !== undefined) this.#end({ kind: "fault", detail: fault.detail });
  }

  drained(): void {
    if (this.#state !== "closed") this.#owner.drained();
  }

  closed(cause: string | undefined): void {
    this.#end({ kind: "lost", cause });
  }

  #handle(packet: Packet): void {
    switch (packet.kind) {
      case "connack":
        this.#connack(packet);
        return;
      case "publish":
        this.#published(packet);
        return;
      case "puback":
      case "pubcomp":
        if (this.#settles(packet.kind, packet.packetId)) this.#owner.acknowledged(packet.packetId);
        return;
      case "pubrec":
        this.#pubrec(packet.packetId);
        return;
      case "pubrel":
        this.#owner.released(packet.packetId);
        return;
      case "suback":
        this.#suback(packet);
        return;
      case "unsuback":
        if (this.#settles("unsuback", packet.packetId)) this.#owner.unsubscribed(packet.packetId);
        return;
      case "pingresp":
        return;
      case "connect":
      case "subscribe":
      case "unsubscribe":
      case "pingreq":
      case "disconnect":
        this.#broke(`${packet.kind.toUpperCase()} from a server`);
        return;
    }
  }

  #connack({ sessionPresent, returnCode }: ConnackPacket): void {
    if (this.#state !== "connecting") {
      this.#broke("second CONNACK");
    } else if (returnCode !== ACCEPTED) {
      this.#end({ kind: "refused", returnCode });
    } else {
      this.#state = "connected";
      this.#connackTimer?.cancel();
      this.#keepAlive?.start();
      const { level, cleanSession } = this.#options;
      this.#owner.connected(!cleanSession && (level === 3 || sessionPresent));
    }
  }

  #published(packet: PublishPacket): void {
    if (packet.topic === "" || /[+#]/.test(packet.topic)) {
      this.#broke("PUBLISH to an invalid topic name"); // [MQTT-3.3.2-2]
    } else {
      this.#owner.message(packet);
    }
  }

  #pubrec(packetId: number): void {
    const awaited = this.#awaited.get(packetId);
    if (awaited === "pubrec") {
      this.#owner.received(packetId);
    } else if (awaited === undefined || awaited === "pubcomp") {
      // Of a message long done with, or repeated: PUBREL is what lets the server forget it.
      this.#acknowledge("pubrel", packetId);
    } else {
      this.#broke("PUBREC for something other than a QoS 2 publish");
    }
  }

  #suback({ packetId, codes }: SubackPacket): void {
    const awaited = this.#awaited.get(packetId);
    if (awaited === undefined) return;
    if (typeof awaited === "string") {
      this.#broke("SUBACK for something other than a SUBSCRIBE");
    } else if (codes.length !== awaited.filters) {
      // [MQTT-3.8.4-5]
      this.#broke(`SUBACK with ${codes.length} return codes for ${awaited.filters} topic filters`);
    } else {
      this.#awaited.delete(packetId);
      this.#owner.subscribed(packetId, codes);
    }
  }

  /** Whether `kind` is what is awaited. An unknown identifier is let pass: it may be a late repetition. */
  #settles(kind: "puback" | "pubcomp" | "unsuback", packetId: number): boolean {
    const awaited = this.#awaited.get(packetId);
    if (awaited === kind) return this.#awaited.delete(packetId);
    if (awaited !== undefined) this.#broke(`${kind.toUpperCase()} out of place`);
    return false;
  }

  #acknowledge(kind: "puback" | "pubrec" | "pubrel" | "pubcomp", packetId: number): void {
    encodeAck(this.#wire.output, kind, packetId);
    this.#sent();
  }

  #send(packet: Packet): void {
    encodePacket(this.#wire.output, packet);
    this.#sent();
  }

  #sent(): void {
    this.#keepAlive?.sent();
    this.#wire.flush();
  }

  #broke(detail: string): void {
    this.#end({ kind: "fault", detail });
  }

  #end(ending: Ending): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stream.stopped = true;
    this.#connackTimer?.cancel();
    this.#keepAlive?.stop();
    this.#wire.close();
    // The owner is told now and not when the wire is closed: a dead peer can hold that up for long.
    this.#owner.closed(ending);
  }
}
