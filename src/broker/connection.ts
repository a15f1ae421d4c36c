/**
 * An MQTT client's connection: decodes what comes over its wire, enters the broker through the
 * door as one more client, and encodes what it is handed straight into the wire's output.
 */
import type { TextCache } from "../bytes/text-cache.ts";
import type { DecodeFault } from "../mqtt/decode-fault.ts";
import { encodeAck, encodePacket, encodePublish } from "../mqtt/encode.ts";
import { PacketStream } from "../mqtt/packet-stream.ts";
import type { ConnectPacket, Packet } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Client, Leaving, Peer } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import type { Random } from "../time/clock.ts";
import type { Timer } from "../time/scheduler.ts";
import type { Broker } from "./broker.ts";
import { handleConnect } from "./handle-connect.ts";
import { handlePublish } from "./handle-publish.ts";
import { handleSubscribe, handleUnsubscribe } from "./handle-subscribe.ts";
import type { ListenerPolicy } from "./listener-policy.ts";

/** Unsent bytes for one client beyond which its messages wait in its session instead. */
const BACKLOG_LIMIT = 262_144;

export interface ConnectionParts {
  readonly broker: Broker;
  readonly wire: Wire;
  readonly policy: ListenerPolicy;
  readonly random: Random;
  /** Topic names seen, shared by all connections. */
  readonly topics: TextCache;
}

export class Connection implements WireEnd, Peer {
  readonly broker: Broker;
  readonly wire: Wire;
  readonly policy: ListenerPolicy;
  readonly random: Random;
  readonly #stream: PacketStream;
  readonly #take = (packet: Packet): void => this.#handle(packet);
  /** QoS of the publishes whose acknowledgement waits for custody. */
  #awaitedQos: Map<number, QoS> | undefined;
  #client: Client | undefined;
  #timer: Timer | undefined;
  #lastHeard: number;
  /** Keep alive times 1.5, ms; 0 is no supervision. */
  #patience = 0;
  #waitingForDrain = false;
  #closed = false;

  constructor({ broker, wire, policy, random, topics }: ConnectionParts) {
    this.broker = broker;
    this.wire = wire;
    this.policy = policy;
    this.random = random;
    this.#stream = new PacketStream({
      maximumPacketSize: broker.options.maxPacketSize,
      role: "server",
      topics,
    });
    this.#lastHeard = broker.clock.now();
  }

  /** Begins to wait for CONNECT. */
  open(): void {
    const { broker } = this;
    broker.counters.connections++;
    broker.log.debug(`New connection from ${this.wire.remote} on ${this.policy.label}.`);
    this.#timer = broker.scheduler.after(broker.options.connectTimeout, () => {
      this.close("lost", "no CONNECT in time");
    });
  }

  get clientId(): string | undefined {
    return this.#client?.clientId;
  }

  receive(bytes: Uint8Array): void {
    const { broker } = this;
    broker.counters.bytesReceived += bytes.length;
    this.#lastHeard = broker.clock.now();
    const fault = this.#stream.feed(bytes, this.#take);
    if (fault !== undefined && !this.#closed) this.#refuse(fault);
  }

  drained(): void {
    if (!this.#waitingForDrain) return;
    this.#waitingForDrain = false;
    this.#client?.resume();
  }

  closed(cause: string | undefined): void {
    this.#end("lost", cause ?? "closed its connection");
  }

  /** Starts delivery and keep alive once CONNACK is on its way. */
  begin(client: Client, packet: ConnectPacket): void {
    this.#client = client;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#patience = packet.keepAlive * 1500;
    if (this.#patience > 0) this.#supervise();
    client.redeliver();
  }

  /** Appends one packet to what leaves this turn. */
  send(packet: Packet): void {
    const { output } = this.wire;
    const before = output.length;
    encodePacket(output, packet);
    this.#sent(output.length - before);
  }

  acknowledge(kind: "puback" | "pubrec" | "pubcomp", packetId: number): void {
    encodeAck(this.wire.output, kind, packetId);
    this.#sent(4);
  }

  /** Closes from this side. `why` goes into the log. */
  close(how: Leaving, why: string): void {
    this.#end(how, why);
    this.wire.close();
  }

  deliver(message: Message, qos: QoS, retain: boolean, dup: boolean, packetId: number): void {
    const { output } = this.wire;
    const before = output.length;
    if (qos === 0 && !retain) {
      const { encodedIn } = message;
      if (encodedIn === undefined) {
        encodePublish(output, message.topic, message.payload, 0, false, false, 0);
        message.encodedIn = output.bytes;
        message.encodedAt = before;
        message.encodedEnd = output.length;
      } else {
        output.raw(encodedIn.subarray(message.encodedAt, message.encodedEnd));
      }
    } else {
      encodePublish(output, message.topic, message.payload, qos, retain, dup, packetId);
    }
    this.#sent(output.length - before);
    if (output.length > BACKLOG_LIMIT || this.wire.backlog > BACKLOG_LIMIT) {
      this.#waitingForDrain = true;
      this.#client?.pause();
    }
  }

  release(packetId: number): void {
    encodeAck(this.wire.output, "pubrel", packetId);
    this.#sent(4);
  }

  published(packetId: number): void {
    if (this.#closed) return;
    const qos = this.#awaitedQos?.get(packetId);
    this.#awaitedQos?.delete(packetId);
    this.acknowledge(qos === 2 ? "pubrec" : "puback", packetId);
  }

  completed(packetId: number): void {
    if (!this.#closed) this.acknowledge("pubcomp", packetId);
  }

  evicted(reason: ReasonCode): void {
    const { broker } = this;
    if (reason === Reason.sessionTakenOver) {
      broker.log.info(`Client ${this.clientId} already connected, closing old connection.`);
    }
    this.#client = undefined;
    this.close("lost", "");
  }

  /** Remembers that the acknowledgement of a publish follows later. */
  await(packetId: number, qos: QoS): void {
    this.#awaitedQos ??= new Map();
    this.#awaitedQos.set(packetId, qos);
  }

  #handle(packet: Packet): void {
    const client = this.#client;
    this.broker.counters.messagesReceived++;
    if (packet.kind === "connect") {
      if (client === undefined) handleConnect(this, packet);
      else this.close("lost", "sent a second CONNECT"); // [MQTT-3.1.0-2]
    } else if (client !== undefined) {
      this.#dispatch(client, packet);
    }
    if (this.#closed) this.#stream.stopped = true;
  }

  #dispatch(client: Client, packet: Exclude<Packet, ConnectPacket>): void {
    switch (packet.kind) {
      case "publish":
        handlePublish(this, client, packet);
        return;
      case "puback":
      case "pubcomp":
        client.acknowledge(packet.packetId);
        return;
      case "pubrec":
        client.received(packet.packetId);
        return;
      case "pubrel":
        // Answered even when unknown: the client repeats it until it is [MQTT-4.3.3-2].
        client.release(packet.packetId);
        return;
      case "subscribe":
        handleSubscribe(this, client, packet);
        return;
      case "unsubscribe":
        handleUnsubscribe(this, client, packet);
        return;
      case "pingreq":
        this.send({ kind: "pingresp" });
        return;
      case "disconnect":
        this.close("normal", "disconnected");
        return;
      case "connack":
      case "suback":
      case "unsuback":
      case "pingresp":
        this.close("lost", `sent ${packet.kind}, which only a server sends`);
        return;
    }
  }

  #refuse(fault: DecodeFault): void {
    if (fault.reason === Reason.unsupportedProtocolVersion) {
      this.send({ kind: "connack", sessionPresent: false, returnCode: 1 }); // [MQTT-3.1.2-2]
    }
    this.close("lost", `protocol error (${fault.detail})`);
  }

  #sent(bytes: number): void {
    const { counters } = this.broker;
    counters.messagesSent++;
    counters.bytesSent += bytes;
    this.wire.flush();
  }

  #supervise(): void {
    const { broker } = this;
    this.#timer = broker.scheduler.at(this.#lastHeard + this.#patience, () => {
      // [MQTT-3.1.2-24]; whatever came meanwhile has moved the deadline on.
      if (broker.clock.now() < this.#lastHeard + this.#patience) this.#supervise();
      else this.close("lost", "has exceeded timeout");
    });
  }

  #end(how: Leaving, why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    const client = this.#client;
    this.#client = undefined;
    const { log } = this.broker;
    if (client === undefined) {
      if (why !== "") log.info(`Client <unknown> from ${this.wire.remote}: ${why}.`);
      return;
    }
    const { clientId } = client;
    client.leave(how);
    if (how === "normal") log.info(`Client ${clientId} disconnected.`);
    else if (why === "closed its connection") log.info(`Client ${clientId} closed its connection.`);
    else if (why === "has exceeded timeout") {
      log.info(`Client ${clientId} has exceeded timeout, disconnecting.`);
    } else log.info(`Client ${clientId} disconnected: ${why}.`);
  }
}
