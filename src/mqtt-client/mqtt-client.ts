/**
 * An MQTT 3.1, 3.1.1 and 5.0 client on one connection, without any I/O of its own. It speaks the
 * protocol, keeps to the server's limits and checks its answers; what the messages mean, and when they
 * are safe, is its owner's.
 */
import type { DecodeFault } from "../mqtt/decode-fault.ts";
import { encodeAck, encodePacket, encodePublish, publishSize } from "../mqtt/encode.ts";
import { PacketStream } from "../mqtt/packet-stream.ts";
import type {
  AckPacket,
  ConnackPacket,
  Packet,
  ProtocolLevel,
  PublishPacket,
  SubackPacket,
  SubscriptionRequest,
  WillFields,
} from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { Authentication } from "./authentication.ts";
import { AuthenticationExchange } from "./authentication-exchange.ts";
import { AwaitedAnswers } from "./awaited-answers.ts";
import type { Answer, MqttClientOwner } from "./client-owner.ts";
import type { Ending } from "./ending.ts";
import { IncomingPublishes } from "./incoming-publishes.ts";
import { KeepAlive } from "./keep-alive.ts";
import { OutgoingPublishes } from "./outgoing-publishes.ts";
import {
  limitsOf,
  lowered,
  NO_LIMITS,
  type ServerLimits,
  subscribeFault,
} from "./server-limits.ts";

export type { Answer, MqttClientOwner } from "./client-owner.ts";

export interface MqttClientOptions {
  readonly level: ProtocolLevel;
  /** Mark the client as a bridge, see `ConnectPacket.bridge`. */
  readonly bridge?: boolean | undefined;
  readonly clientId: string;
  /** Clean Session, and Clean Start of 5.0. */
  readonly cleanSession: boolean;
  /** Seconds, 0 for none. */
  readonly keepAlive: number;
  readonly will?: WillFields | undefined;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
  /** Of CONNECT, in 5.0. What they ask the server to keep to is checked. */
  readonly properties?: Properties | undefined;
  /**
   * Go on where the server sends more at a time than the Receive Maximum. Mosquitto 2.0 does when it takes
   * a session up again, and never comes back below it if the connection is closed for that.
   */
  readonly takesExcess?: boolean | undefined;
  /** Enhanced authentication of 5.0; its method and data take the place of those in `properties`. */
  readonly authentication?: Authentication | undefined;
  /** Longest packet taken from the server, bytes; 268 435 460, the protocol's own limit, if not given. */
  readonly maximumPacketSize?: number | undefined;
  /** Longest packet sent to the server, bytes, though it may take longer ones; the same if not given. */
  readonly longestSent?: number | undefined;
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

const LONGEST_PACKET = 268_435_460;
const PATIENCE = 20_000;
const ACCEPTED = 0;
const SUCCESS: Answer = { reasonCode: Reason.success };

export class MqttClient implements WireEnd {
  readonly #wire: Wire;
  readonly #owner: MqttClientOwner;
  readonly #options: MqttClientOptions;
  readonly #scheduler: Scheduler;
  readonly #stream: PacketStream;
  readonly #clock: Clock;
  readonly #incoming: IncomingPublishes;
  readonly #authentication: AuthenticationExchange | undefined;
  readonly #awaited = new AwaitedAnswers();
  readonly #take = (packet: Packet): void => this.#handle(packet);
  #keepAlive: KeepAlive | undefined;
  #state: "new" | "connecting" | "connected" | "closed" = "new";
  #connackTimer: Timer | undefined;
  #limits = NO_LIMITS;
  /** Of 5.0, once connected. */
  #outgoing: OutgoingPublishes | undefined;

  constructor({ wire, owner, clock, scheduler, options }: MqttClientParts) {
    const { level, properties, authentication } = options;
    this.#wire = wire;
    this.#owner = owner;
    this.#options = options;
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#incoming = new IncomingPublishes(level, properties, options.takesExcess === true);
    this.#stream = new PacketStream({
      maximumPacketSize: Math.min(
        options.maximumPacketSize ?? LONGEST_PACKET,
        properties?.maximumPacketSize ?? LONGEST_PACKET,
      ),
      role: "client",
      level,
    });
    if (level < 5 || authentication === undefined) return;
    this.#authentication = new AuthenticationExchange(authentication, {
      send: (reasonCode, data) => this.#send({ kind: "auth", reasonCode, properties: data }),
      failed: (detail) => this.#broke(detail),
    });
  }

  /** Sends CONNECT. Call once. */
  start(): void {
    const { level, bridge, clientId, cleanSession, keepAlive, will, username, password } =
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
      properties: level === 5 ? this.#connectProperties() : undefined,
    });
    this.#awaitConnack();
  }

  #connectProperties(): Properties {
    const { properties, maximumPacketSize } = this.#options;
    return { maximumPacketSize, ...properties, ...this.#authentication?.beginning() };
  }

  #awaitConnack(): void {
    this.#connackTimer?.cancel();
    this.#connackTimer = this.#scheduler.after(this.#options.patience ?? PATIENCE, () => {
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

  /** What the server takes, once connected. */
  get limits(): ServerLimits {
    return this.#limits;
  }

  /** How many more QoS 1 and 2 publishes the server takes now: its Receive Maximum less those under way. */
  get quota(): number {
    return this.#limits.receiveMaximum - this.#awaited.publishing;
  }

  /** An identifier that nothing is in flight under; 0 when all 65 535 are. */
  freePacketId(): number {
    return this.#awaited.freePacketId();
  }

  /** Keeps an identifier for a publish of an earlier connection that is yet to be repeated. */
  reserve(packetId: number): void {
    if (this.#awaited.of(packetId) === undefined) this.#awaited.expect(packetId, "reserved");
  }

  /**
   * Sends PUBLISH, `packetId` being 0 at QoS 0, else one that is free. The owner keeps the message
   * and sends it again with `dup` on the next connection if it was not `acknowledged` on this one.
   * Answers why this server must not be sent it, in which case it was not; else undefined.
   */
  publish(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    properties?: Properties | undefined,
  ): ReasonCode | undefined {
    if (this.#state !== "connected") return undefined;
    const { output } = this.#wire;
    if (this.#outgoing === undefined) {
      const size = publishSize(topic, payload.length, qos);
      if (size > this.#limits.maximumPacketSize) return Reason.packetTooLarge;
      encodePublish(output, topic, payload, qos, retain, dup, packetId);
    } else {
      if (qos > 0 && this.quota <= 0) return Reason.receiveMaximumExceeded;
      const fields = [topic, payload, qos, retain, dup, packetId, properties] as const;
      const problem = this.#outgoing.encode(output, ...fields);
      if (problem !== undefined) return problem;
    }
    if (qos > 0) this.#awaited.expect(packetId, qos === 1 ? "puback" : "pubrec");
    this.#sent();
    return undefined;
  }

  /** Sends PUBREL for a QoS 2 publish that was `received`. */
  release(packetId: number): void {
    if (this.#state !== "connected") return;
    this.#awaited.expect(packetId, "pubcomp");
    this.#acknowledge("pubrel", packetId);
  }

  /**
   * Acknowledges a message that came: PUBACK at QoS 1, PUBREC at QoS 2. A reason code of 0x80 and above
   * refuses it, in 5.0 only.
   */
  acknowledge(packetId: number, qos: QoS, reasonCode: ReasonCode = Reason.success): void {
    if (qos === 0 || this.#state !== "connected") return;
    if (qos === 1 || isFailure(reasonCode)) this.#incoming.settled(packetId);
    this.#acknowledge(qos === 1 ? "puback" : "pubrec", packetId, reasonCode);
  }

  /** Sends PUBCOMP for a QoS 2 message that the server `released`. */
  complete(packetId: number, reasonCode: ReasonCode = Reason.success): void {
    if (this.#state !== "connected") return;
    this.#incoming.settled(packetId);
    this.#acknowledge("pubcomp", packetId, reasonCode);
  }

  /**
   * Sends SUBSCRIBE; `owner.subscribed` follows under the packetId answered (0: not sent, since the
   * connection is over, no identifier is free, or `subscribeProblem` speaks against it).
   */
  subscribe(
    subscriptions: readonly SubscriptionRequest[],
    properties?: Properties | undefined,
  ): number {
    if (this.subscribeProblem(subscriptions, properties) !== undefined) return 0;
    const packetId = this.#state === "connected" ? this.freePacketId() : 0;
    if (packetId === 0) return 0;
    if (!this.#send({ kind: "subscribe", packetId, subscriptions, properties })) return 0;
    this.#awaited.expect(packetId, { kind: "suback", filters: subscriptions.length });
    return packetId;
  }

  /** Why this server must not be sent such a SUBSCRIBE; undefined if it may. */
  subscribeProblem(
    subscriptions: readonly SubscriptionRequest[],
    properties?: Properties | undefined,
  ): ReasonCode | undefined {
    return subscribeFault(this.#limits, subscriptions, properties);
  }

  /** Sends UNSUBSCRIBE; `owner.unsubscribed` follows under the packetId answered (0: not sent). */
  unsubscribe(filters: readonly string[], properties?: Properties | undefined): number {
    const packetId = this.#state === "connected" ? this.freePacketId() : 0;
    if (packetId === 0) return 0;
    if (!this.#send({ kind: "unsubscribe", packetId, filters, properties })) return 0;
    this.#awaited.expect(packetId, { kind: "unsuback", filters: filters.length });
    return packetId;
  }

  /** Authenticates anew while connected, by the method of CONNECT [MQTT-4.12.1-1]. */
  reauthenticate(): void {
    if (this.#state === "connected") this.#authentication?.again();
  }

  /** Leaves in order, so that the server does not publish the will, unless the reason says so. */
  disconnect(reasonCode: ReasonCode = Reason.success, properties?: Properties | undefined): void {
    if (this.#state === "connected") {
      const told = this.#send({ kind: "disconnect", reasonCode, properties });
      if (!told) this.#send({ kind: "disconnect", reasonCode });
    }
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
    if (fault !== undefined) this.#fault(fault);
  }

  drained(): void {
    if (this.#state !== "closed") this.#owner.drained();
  }

  closed(cause: string | undefined): void {
    this.#end({ kind: "lost", cause });
  }

  #handle(packet: Packet): void {
    if (this.#state === "connecting" && packet.kind !== "connack" && packet.kind !== "auth") {
      this.#broke(`${packet.kind.toUpperCase()} before CONNACK`);
      return;
    }
    switch (packet.kind) {
      case "connack":
        this.#connack(packet);
        return;
      case "publish":
        this.#published(packet);
        return;
      case "puback":
      case "pubcomp":
        if (this.#settles(packet.kind, packet.packetId)) {
          this.#owner.acknowledged(packet.packetId, answerOf(packet));
        }
        return;
      case "pubrec":
        this.#pubrec(packet);
        return;
      case "pubrel":
        this.#owner.released(packet.packetId);
        return;
      case "suback":
        this.#suback(packet);
        return;
      case "unsuback": {
        const { packetId, codes, properties } = packet;
        if (this.#answers("unsuback", packetId, codes?.length)) {
          this.#owner.unsubscribed(packetId, codes, properties);
        }
        return;
      }
      case "auth":
        if (this.#authentication === undefined) this.#broke("AUTH that nobody has asked for");
        else this.#authentication.received(packet, this.#state === "connected");
        if (this.#state === "connecting") this.#awaitConnack();
        return;
      case "disconnect":
        this.#disconnected(packet);
        return;
      case "pingresp":
        return;
      case "connect":
      case "subscribe":
      case "unsubscribe":
      case "pingreq":
        this.#broke(`${packet.kind.toUpperCase()} from a server`);
        return;
    }
  }

  #connack({ sessionPresent, returnCode, properties }: ConnackPacket): void {
    const { level, cleanSession } = this.#options;
    if (this.#state !== "connecting") {
      this.#broke("second CONNACK");
    } else if (returnCode !== ACCEPTED) {
      this.#end({
        kind: "refused",
        returnCode,
        ...(properties === undefined ? {} : { properties }),
      });
    } else if (level === 5 && cleanSession && sessionPresent) {
      this.#broke("CONNACK with a session, though none was asked for"); // [MQTT-3.2.2-2]
    } else if (this.#authentication === undefined || this.#authentication.accepted(properties)) {
      this.#state = "connected";
      this.#connackTimer?.cancel();
      this.#keepAlive = this.#supervision(properties?.serverKeepAlive);
      this.#keepAlive?.start();
      this.#limits = lowered(limitsOf(properties), this.#options.longestSent ?? LONGEST_PACKET);
      if (level === 5) this.#outgoing = new OutgoingPublishes(this.#limits);
      this.#owner.connected(!cleanSession && (level === 3 || sessionPresent), properties);
    }
  }

  /** Keep alive of the server's choice, in seconds, if it has made one [MQTT-3.2.2-21]. */
  #supervision(chosen: number | undefined): KeepAlive | undefined {
    const interval = (chosen ?? this.#options.keepAlive) * 1000;
    if (interval === 0) return undefined;
    return new KeepAlive({
      clock: this.#clock,
      scheduler: this.#scheduler,
      interval,
      patience: Math.min(interval, this.#options.patience ?? PATIENCE),
      ping: () => this.#send({ kind: "pingreq" }),
      silent: () => this.#end({ kind: "silent", detail: "no answer to a keep-alive ping" }),
    });
  }

  #published(packet: PublishPacket): void {
    const accepted = this.#incoming.accept(packet);
    if (accepted.kind === "fault") this.#fault(accepted);
    else this.#owner.message(accepted);
  }

  #pubrec(packet: AckPacket): void {
    const { packetId, reasonCode = Reason.success } = packet;
    const awaited = this.#awaited.of(packetId);
    if (awaited === "pubrec" && isFailure(reasonCode)) {
      this.#awaited.settle(packetId);
      this.#owner.acknowledged(packetId, answerOf(packet));
    } else if (awaited === "pubrec") {
      this.#owner.received(packetId);
    } else if (awaited !== undefined && awaited !== "pubcomp") {
      this.#broke("PUBREC for something other than a QoS 2 publish");
    } else if (!isFailure(reasonCode)) {
      // Of a message long done with, or repeated: PUBREL is what lets the server forget it.
      const known = awaited === "pubcomp";
      this.#acknowledge(
        "pubrel",
        packetId,
        known ? Reason.success : Reason.packetIdentifierNotFound,
      );
    }
  }

  #suback({ packetId, codes, properties }: SubackPacket): void {
    if (this.#answers("suback", packetId, codes.length)) {
      this.#owner.subscribed(packetId, codes, properties);
    }
  }

  #disconnected(packet: Packet & { kind: "disconnect" }): void {
    const { reasonCode = Reason.success, properties } = packet;
    if (this.#options.level < 5) this.#broke("DISCONNECT from a server");
    else {
      const said = properties === undefined ? {} : { properties };
      this.#end({ kind: "disconnected", reasonCode, ...said });
    }
  }

  /** Whether `kind` is what is awaited. An unknown identifier is let pass: it may be a late repetition. */
  #settles(kind: "puback" | "pubcomp", packetId: number): boolean {
    const awaited = this.#awaited.of(packetId);
    if (awaited === kind) this.#awaited.settle(packetId);
    else if (awaited !== undefined) this.#broke(`${kind.toUpperCase()} out of place`);
    return awaited === kind;
  }

  /** The same of SUBACK and UNSUBACK, which have a code for each filter [MQTT-3.8.4-5], from 5.0 on both. */
  #answers(kind: "suback" | "unsuback", packetId: number, codes: number | undefined): boolean {
    const awaited = this.#awaited.of(packetId);
    if (awaited === undefined) return false;
    if (typeof awaited === "string" || awaited.kind !== kind) {
      this.#broke(`${kind.toUpperCase()} out of place`);
      return false;
    }
    if (codes !== undefined && codes !== awaited.filters) {
      const answer = `${kind.toUpperCase()} with ${codes} reason codes`;
      this.#broke(`${answer} for ${awaited.filters} topic filters`);
      return false;
    }
    this.#awaited.settle(packetId);
    return true;
  }

  #acknowledge(
    kind: AckPacket["kind"],
    packetId: number,
    reasonCode: ReasonCode = Reason.success,
  ): void {
    if (reasonCode === Reason.success || this.#options.level < 5) {
      encodeAck(this.#wire.output, kind, packetId);
      this.#sent();
    } else {
      this.#send({ kind, packetId, reasonCode });
    }
  }

  /** Whether the packet fits what the server takes, and was sent. */
  #send(packet: Packet): boolean {
    const { output } = this.#wire;
    const start = output.length;
    encodePacket(output, packet, this.#options.level);
    if (output.length - start > this.#limits.maximumPacketSize) {
      output.length = start;
      return false;
    }
    this.#sent();
    return true;
  }

  #sent(): void {
    this.#keepAlive?.sent();
    this.#wire.flush();
  }

  #broke(detail: string): void {
    this.#fault({ kind: "fault", reason: Reason.protocolError, detail });
  }

  /** Tells a server of 5.0 what it did wrong, and leaves it [MQTT-4.13.1-1]. */
  #fault({ reason, detail }: DecodeFault): void {
    if (this.#state === "connected" && this.#options.level === 5) {
      this.#send({ kind: "disconnect", reasonCode: reason });
    }
    this.#end({ kind: "fault", detail });
  }

  #end(ending: Ending): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stream.stopped = true;
    this.#connackTimer?.cancel();
    this.#keepAlive?.stop();
    this.#authentication?.end();
    this.#wire.close();
    // The owner is told now and not when the wire is closed: a dead peer can hold that up for long.
    this.#owner.closed(ending);
  }
}

function answerOf({ reasonCode, properties }: AckPacket): Answer {
  return reasonCode === undefined ? SUCCESS : { reasonCode, properties };
}
