/**
 * An MQTT client's connection: decodes what comes over its wire, enters the broker through the
 * door as one more client, and encodes what it is handed straight into the wire's output.
 */
import type { TextCache } from "../bytes/text-cache.ts";
import type { DecodeFault } from "../mqtt/decode-fault.ts";
import { encodeAck, encodePacket, encodePublish, encodePublish5 } from "../mqtt/encode.ts";
import { PacketStream } from "../mqtt/packet-stream.ts";
import type { ProtocolLevel } from "../mqtt/packet-types.ts";
import type { AckPacket, ConnectPacket, Packet } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Leaving, Peer } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { Random } from "../time/clock.ts";
import type { Timer } from "../time/scheduler.ts";
import type { Broker } from "./broker.ts";
import type { ClientHold } from "./client-hold.ts";
import { dispatch } from "./dispatch.ts";
import { explanation, withLessExplanation } from "./explanation.ts";
import { EVICTIONS, farewell, refusal } from "./farewell.ts";
import { type Authentication, handleAuth, refuseEarly } from "./handle-auth.ts";
import { handleConnect } from "./handle-connect.ts";
import { KeepAlive, type Watched } from "./keep-alive.ts";
import type { ListenerPolicy } from "./listener-policy.ts";
import { unmountTopic } from "./mount-point.ts";
import { receivedLines, sentLine, sentPublishLine } from "./packet-log.ts";
import { faultSentence, reasonSentence } from "./reason-strings.ts";
import { IncomingAliases, OutgoingAliases } from "./topic-aliases.ts";

/** Unsent bytes for one client beyond which its messages wait in its session instead. */
const BACKLOG_LIMIT = 262_144;
const NO_BYTES = new Uint8Array(0);

export interface ConnectionParts {
  readonly broker: Broker;
  readonly wire: Wire;
  readonly policy: ListenerPolicy;
  readonly random: Random;
  /** Topic names seen, shared by all connections. */
  readonly topics: TextCache;
}

/** What was agreed on with CONNECT and CONNACK. */
export interface Terms {
  readonly level: ProtocolLevel;
  /** Seconds; 0 is no supervision. */
  readonly keepAlive: number;
  /** Longest packet that the client takes, bytes; undefined is no limit. */
  readonly maximumPacketSize: number | undefined;
  /** Topic aliases that the client takes. */
  readonly topicAliasMaximum: number;
}

export class Connection implements WireEnd, Peer, Watched {
  readonly broker: Broker;
  readonly wire: Wire;
  readonly policy: ListenerPolicy;
  readonly random: Random;
  readonly mountPoint: string;
  readonly aliases: IncomingAliases;
  /** What the client said on connecting; undefined before CONNECT. */
  packet: ConnectPacket | undefined;
  level: ProtocolLevel = 4;
  /** Where CONNECT named an authentication method. */
  authentication: Authentication | undefined;
  readonly #stream: PacketStream;
  readonly #take = (packet: Packet): void => this.#handle(packet);
  /** Publishes of the client that are not acknowledged to the end; for MQTT 5.0 (§4.9). */
  #unacknowledged = 0;
  /** QoS of the publishes whose acknowledgement waits for custody. */
  #awaitedQos: Map<number, QoS> | undefined;
  #client: ClientHold | undefined;
  /** Ends the wait for CONNECT and its answer. */
  #timer: Timer | undefined;
  #keepAlive: KeepAlive | undefined;
  /** A whole packet has come with the bytes that are being taken in. */
  #heard = false;
  #waitingForDrain = false;
  #feeding = false;
  #closed = false;
  #outgoingAliases: OutgoingAliases | undefined;
  #maximumPacketSize: number | undefined;

  constructor({ broker, wire, policy, random, topics }: ConnectionParts) {
    this.broker = broker;
    this.wire = wire;
    this.policy = policy;
    this.random = random;
    this.mountPoint = policy.mountPoint ?? "";
    this.aliases = new IncomingAliases(policy.maxTopicAlias ?? broker.options.maxTopicAlias);
    this.#stream = new PacketStream({
      maximumPacketSize: broker.options.maxPacketSize,
      role: "server",
      topics,
    });
  }

  /** Begins to wait for CONNECT. */
  open(): void {
    const { broker } = this;
    broker.counters.connections++;
    broker.log.connection(`New connection from ${this.wire.remote} on ${this.policy.label}.`);
    this.#timer = broker.scheduler.after(broker.options.connectTimeout, () => {
      this.close("lost", "no CONNECT in time");
    });
  }

  get clientId(): string | undefined {
    return this.#client?.clientId;
  }

  get ended(): boolean {
    return this.#closed;
  }

  get ipAddress(): string {
    return this.wire.address;
  }

  get pendingBytes(): number {
    return this.#stream.pending;
  }

  silent(): void {
    this.close("lost", "has exceeded timeout", Reason.keepAliveTimeout);
  }

  /**
   * Counts a QoS 1 or 2 publish of a client of MQTT 5.0 until it is acknowledged to the end; false if
   * it is one more than the client may have on their way over this connection [MQTT-3.3.4-7].
   */
  admit(packetId: number, qos: QoS): boolean {
    // One that comes again before its PUBREL is the same.
    if (qos === 2 && this.#client?.isUnreleased(packetId) === true) return true;
    return ++this.#unacknowledged <= this.broker.options.receiveMaximum;
  }

  receive(bytes: Uint8Array): void {
    this.broker.counters.bytesReceived += bytes.length;
    this.#feed(bytes);
  }

  drained(): void {
    if (!this.#waitingForDrain) return;
    this.#waitingForDrain = false;
    this.#client?.resume();
  }

  closed(cause: string | undefined): void {
    this.#end("lost", cause ?? "closed its connection", undefined);
  }

  /** Has what the client sends wait, until it is known whether it may come in. */
  hold(): void {
    this.#stream.held = true;
  }

  /** Goes on with what has waited. */
  unhold(): void {
    this.#stream.held = false;
    // From within a packet the stream goes on by itself.
    if (!this.#closed && !this.#feeding) this.#feed(NO_BYTES);
  }

  /** Starts delivery and keep alive once CONNACK is on its way. */
  begin(client: ClientHold, terms: Terms): void {
    const { broker } = this;
    this.#client = client;
    broker.listenerCounts.enter(this.policy.name);
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#maximumPacketSize = terms.maximumPacketSize;
    if (terms.topicAliasMaximum > 0) {
      this.#outgoingAliases = new OutgoingAliases(terms.topicAliasMaximum);
    }
    if (terms.keepAlive > 0) {
      this.#keepAlive = new KeepAlive(broker.scheduler, this, terms.keepAlive, broker.clock.now());
      this.#keepAlive.start();
    }
    client.redeliver();
  }

  /**
   * Appends one packet to what leaves this turn. One that is longer than the client takes goes without
   * what explains it, or is not sent and ends the connection [MQTT-3.1.2-24].
   */
  send(packet: Packet): void {
    const { output } = this.wire;
    const before = output.length;
    encodePacket(output, packet, this.level);
    const size = output.length - before;
    const longest = this.packet?.properties?.maximumPacketSize;
    if (longest !== undefined && size > longest) {
      output.length = before;
      const shorter = withLessExplanation(packet);
      if (shorter !== undefined) this.send(shorter);
      else if (!this.#closed)
        this.close("lost", `takes no packet of ${size} bytes`, Reason.packetTooLarge);
      return;
    }
    this.#traceSent(packet);
    this.#sent(size);
  }

  /** Acknowledges with success, or in MQTT 5.0 with another reason; `sentence` says more of a refusal. */
  acknowledge(
    kind: AckPacket["kind"],
    packetId: number,
    reasonCode: ReasonCode = 0,
    sentence?: string | undefined,
  ): void {
    if (this.#unacknowledged > 0 && endsPublish(kind, reasonCode)) this.#unacknowledged--;
    if (reasonCode !== 0 && this.level === 5) {
      const properties = isFailure(reasonCode) ? this.explain(reasonCode, sentence) : undefined;
      this.send({ kind, packetId, reasonCode, properties });
      return;
    }
    encodeAck(this.wire.output, kind, packetId);
    if (this.broker.log.debugging) this.#traceSent({ kind, packetId });
    this.#sent(4);
  }

  /** The properties that explain a refusal to a client of MQTT 5.0, as far as it wants to know. */
  explain(
    reason: ReasonCode,
    sentence: string | undefined = reasonSentence(reason, ""),
    serverReference = this.broker.options.serverReference,
  ): Properties | undefined {
    const asked = this.packet?.properties;
    return explanation({ asked, reason, sentence, serverReference });
  }

  /**
   * Closes from this side. `why` goes into the log; `reason` is told to a client of MQTT 5.0 that
   * has come in [MQTT-3.14.2-1], with `sentence`, or what `why` comes to.
   */
  close(how: Leaving, why: string, reason?: ReasonCode, sentence?: string): void {
    this.#end(how, why, reason, sentence);
    this.wire.close();
  }

  /** Closes after DISCONNECT from the client, which may say anew how long its session is kept. */
  leave(how: Leaving, why: string, sessionExpiry: number | undefined): void {
    this.#end(how, why, undefined, undefined, sessionExpiry);
    this.wire.close();
  }

  deliver(
    message: Message,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    identifiers?: readonly number[] | undefined,
  ): void {
    const { output } = this.wire;
    const before = output.length;
    const topic = unmountTopic(this.mountPoint, message.topic);
    if (topic === undefined) {
      // The filter of the mount point itself, "a/#" of "a/", matches "a" above it.
      if (qos > 0) this.#client?.discard(packetId);
      return;
    }
    const plain = qos === 0 && !retain && this.mountPoint === "";
    if (this.level < 5) {
      if (plain) this.#copyOrEncode(message, 4);
      else encodePublish(output, topic, message.payload, qos, retain, dup, packetId);
    } else if (
      plain &&
      identifiers === undefined &&
      message.expiresAt === undefined &&
      this.#outgoingAliases === undefined
    ) {
      this.#copyOrEncode(message, 5);
    } else {
      this.#encode5(message, topic, qos, retain, dup, packetId, identifiers);
    }
    const size = output.length - before;
    if (this.#maximumPacketSize !== undefined && size > this.#maximumPacketSize) {
      // [MQTT-3.1.2-24, -25]: acts as if it had been sent.
      output.length = before;
      message.encodedIn = undefined;
      this.#outgoingAliases?.unsent(topic);
      if (qos > 0) this.#client?.discard(packetId);
      else if (this.#client !== undefined) this.broker.dropped(this.#client);
      return;
    }
    const { log } = this.broker;
    if (log.debugging && this.clientId !== undefined) {
      const { length } = message.payload;
      log.debug(sentPublishLine(this.clientId, topic, length, qos, retain, dup, packetId));
    }
    this.#sent(size);
    if (output.length > BACKLOG_LIMIT || this.wire.backlog > BACKLOG_LIMIT) {
      this.#waitingForDrain = true;
      this.#client?.pause();
    }
  }

  /** A QoS 0 message that many receive alike is encoded once. */
  #copyOrEncode(message: Message, level: 4 | 5): void {
    const { output } = this.wire;
    if (message.encodedIn !== undefined && message.encodedLevel === level) {
      output.raw(message.encodedIn.subarray(message.encodedAt, message.encodedEnd));
      return;
    }
    const before = output.length;
    const { topic, payload } = message;
    if (level === 4) encodePublish(output, topic, payload, 0, false, false, 0);
    else encodePublish5(output, topic, payload, 0, false, false, 0, message.properties);
    // Who gets it later, out of a queue, comes too late for these bytes.
    if (!message.isRouted) return;
    message.encodedIn = output.bytes;
    message.encodedAt = before;
    message.encodedEnd = output.length;
    message.encodedLevel = level;
  }

  #encode5(
    message: Message,
    topic: string,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    identifiers: readonly number[] | undefined,
  ): void {
    // Some clients keep a message of QoS 2 as it came until PUBREL, and then know no topic for it.
    const alias = qos < 2 ? this.#outgoingAliases?.aliasOf(topic) : undefined;
    const { expiresAt } = message;
    let properties: Properties | undefined = message.properties;
    if (identifiers !== undefined || expiresAt !== undefined || alias !== undefined) {
      const left = expiresAt === undefined ? undefined : expiresAt - this.broker.clock.now();
      properties = {
        ...properties,
        // [MQTT-3.3.2-6]: what is left of the interval.
        messageExpiryInterval: left === undefined ? undefined : Math.max(0, Math.ceil(left / 1000)),
        subscriptionIdentifiers: identifiers,
        topicAlias: alias?.alias,
      };
    }
    const name = alias?.known === true ? "" : topic;
    const { output } = this.wire;
    encodePublish5(output, name, message.payload, qos, retain, dup, packetId, properties);
  }

  release(packetId: number): void {
    encodeAck(this.wire.output, "pubrel", packetId);
    if (this.broker.log.debugging) this.#traceSent({ kind: "pubrel", packetId });
    this.#sent(4);
  }

  published(packetId: number, reason: ReasonCode = Reason.success): void {
    if (this.#closed) return;
    const qos = this.#awaitedQos?.get(packetId);
    this.#awaitedQos?.delete(packetId);
    this.acknowledge(qos === 2 ? "pubrec" : "puback", packetId, reason);
  }

  completed(packetId: number): void {
    if (!this.#closed) this.acknowledge("pubcomp", packetId);
  }

  evicted(reason: ReasonCode): void {
    const { broker } = this;
    if (reason === Reason.sessionTakenOver) {
      broker.log.error(`Client ${this.clientId} already connected, closing old connection.`);
    }
    const sentence = EVICTIONS[reason];
    if (sentence !== undefined && this.clientId !== undefined) {
      broker.log.connection(`Client ${this.clientId} ${sentence}`);
    }
    if (this.#takeClient() !== undefined) {
      // A server that is shutting down sends its clients elsewhere if it can (§4.11).
      const stops = reason === Reason.serverShuttingDown;
      const elsewhere = stops && broker.options.serverReference !== "";
      const why = reason === Reason.notAuthorized ? "is not authorised any more" : "";
      this.#sendDisconnect(
        elsewhere ? Reason.useAnotherServer : reason,
        reasonSentence(reason, why),
      );
    }
    this.#end("lost", "", undefined);
    // Whoever owns the wires closes all of them then, each in its own way.
    if (reason !== Reason.serverShuttingDown) this.wire.close();
  }

  /** Remembers that the acknowledgement of a publish follows later. */
  await(packetId: number, qos: QoS): void {
    this.#awaitedQos ??= new Map();
    this.#awaitedQos.set(packetId, qos);
  }

  #feed(bytes: Uint8Array): void {
    this.#feeding = true;
    const fault = this.#stream.feed(bytes, this.#take);
    this.#feeding = false;
    if (this.#heard) {
      this.#heard = false;
      if (this.#keepAlive !== undefined) this.#keepAlive.heardAt = this.broker.clock.now();
    }
    if (fault !== undefined && !this.#closed) this.#refuse(fault);
  }

  #handle(packet: Packet): void {
    const client = this.#client;
    this.#heard = true;
    this.broker.counters.messagesReceived++;
    const { log } = this.broker;
    if (log.debugging && client !== undefined) {
      for (const line of receivedLines(client.clientId, packet)) log.debug(line);
    }
    if (packet.kind === "connect" && this.packet === undefined) {
      handleConnect(this, packet);
    } else if (client !== undefined) {
      dispatch(this, client, packet);
    } else if (packet.kind === "auth") {
      handleAuth(this, packet);
    } else if (packet.kind === "disconnect") {
      this.close("normal", "disconnected before CONNACK");
    } else {
      refuseEarly(this, packet.kind);
    }
    if (this.#closed) this.#stream.stopped = true;
  }

  #traceSent(packet: Packet): void {
    const { log } = this.broker;
    if (log.debugging && this.clientId !== undefined) log.debug(sentLine(this.clientId, packet));
  }

  #refuse(fault: DecodeFault): void {
    if (fault.reason === Reason.unsupportedProtocolVersion) {
      this.send({ kind: "connack", sessionPresent: false, returnCode: 1 }); // [MQTT-3.1.2-2]
    }
    const { detail, reason } = fault;
    this.close("lost", `protocol error (${detail})`, reason, faultSentence(detail));
  }

  #sent(bytes: number): void {
    const { counters } = this.broker;
    counters.messagesSent++;
    counters.bytesSent += bytes;
    this.wire.flush();
  }

  #sendDisconnect(reasonCode: ReasonCode, sentence: string | undefined): void {
    if (this.level < 5) return;
    const properties = this.explain(reasonCode, sentence);
    this.send({ kind: "disconnect", reasonCode, properties });
  }

  /** The hold on the session, which this connection has no longer. */
  #takeClient(): ClientHold | undefined {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.broker.listenerCounts.leave(this.policy.name);
    return client;
  }

  #end(
    how: Leaving,
    why: string,
    reason: ReasonCode | undefined,
    sentence?: string | undefined,
    sessionExpiry?: number | undefined,
  ): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#keepAlive?.stop();
    this.authentication?.abandon();
    const client = this.#takeClient();
    const { log } = this.broker;
    if (client === undefined) {
      const { remote } = this.wire;
      const name = this.packet?.clientId || undefined;
      if (why === "") return;
      for (const line of refusal(name, remote, how, why, reason)) log.connection(line);
      return;
    }
    if (reason !== undefined) {
      this.#sendDisconnect(reason, sentence ?? reasonSentence(reason, why));
    }
    const { clientId } = client;
    client.leave(how, sessionExpiry);
    log.connection(farewell(clientId, this.wire.remote, how, why, reason));
  }
}

/** Whether the client need not wait any longer with its next publish (§4.9). */
function endsPublish(kind: AckPacket["kind"], reasonCode: ReasonCode): boolean {
  if (kind === "pubcomp") return !isFailure(reasonCode);
  return kind === "puback" || (kind === "pubrec" && isFailure(reasonCode));
}
