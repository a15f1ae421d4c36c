/**
 * One node as a client of the upstream broker, with a connection of its own there under its own
 * ClientId. Here only what is under way is kept; sessions and custody are the upstream broker's.
 */
import type { PublishPacket } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { MqttClient, MqttClientOptions } from "../mqtt-client/mqtt-client.ts";
import type { Client, Leaving, Opening, Peer, PublishOutcome, Will } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Timer } from "../time/scheduler.ts";
import type { Failure } from "./failure.ts";
import type { KnownSubscriptions } from "./known-subscriptions.ts";
import { Mailbox } from "./mailbox.ts";
import { NodePublishes } from "./node-publishes.ts";
import { NodeSubscriptions } from "./node-subscriptions.ts";
import type { UpstreamParts } from "./options.ts";
import type { Reachability } from "./reachability.ts";
import { UpstreamConnection, type UpstreamOwner } from "./upstream-connection.ts";

export interface TransparentClientParts extends UpstreamParts {
  readonly opening: Opening;
  readonly peer: Peer;
  readonly known: KnownSubscriptions;
  readonly reachability: Reachability;
  /** The client is dead, for whatever cause. */
  readonly gone: (client: TransparentClient) => void;
}

/** How long a session that ends with its connection survives the loss of the one upstream, seconds. */
const CLEAN_EXPIRY = 3600;
const FOR_GOOD = 0xffffffff;
/** How long a will that has changed may wait for the next change, as topic and message come apart, ms. */
const WILL_SETTLES = 500;

export class TransparentClient implements Client {
  readonly clientId: string;
  readonly peer: Peer;
  readonly #parts: TransparentClientParts;
  readonly #connection: UpstreamConnection;
  readonly #mailbox: Mailbox;
  readonly #publishes: NodePublishes;
  readonly #subscriptions: NodeSubscriptions;
  /** The upstream broker keeps the session for good. */
  readonly #kept: boolean;
  /** An earlier session is still to be discarded. */
  #discards: boolean;
  #admission: ((refusal: ReasonCode | undefined) => void) | undefined;
  #will: Will | undefined;
  #willTimer: Timer | undefined;
  #willDue = false;
  #dead = false;

  constructor(parts: TransparentClientParts) {
    const { opening, peer, options, known, log } = parts;
    this.clientId = opening.clientId;
    this.peer = peer;
    this.#parts = parts;
    this.#will = opening.will;
    this.#kept = opening.persistent && opening.clean !== true;
    this.#discards = opening.cleanStart;
    this.#connection = new UpstreamConnection(parts, this.#owner(), parts.reachability);
    this.#mailbox = new Mailbox({
      peer,
      receiveMaximum: opening.receiveMaximum,
      queueQos0: opening.queueQos0,
      maxMessages: options.maxQueuedMessages,
      maxBytes: options.maxQueuedBytes,
      keptUpstream: this.#kept || options.level === 5,
      refetch: () => this.#connection.renew(),
      dropped: () => log.debug(`a message for ${JSON.stringify(this.clientId)} had no room`),
    });
    this.#subscriptions = new NodeSubscriptions(this.clientId, known, log);
    this.#publishes = new NodePublishes(peer, (packetId) => this.#subscriptions.isTaken(packetId));
  }

  /** Connects; what the upstream broker says to it, `whenAdmitted` tells. */
  start(): void {
    this.#connection.start();
  }

  get backlog(): number {
    return this.#mailbox.backlog;
  }

  whenAdmitted(answer: (refusal: ReasonCode | undefined) => void): void {
    switch (this.#connection.state) {
      case "up":
        answer(undefined);
        return;
      case "trying":
        this.#admission = answer;
        return;
      default:
        this.#die();
        answer(Reason.serverUnavailable);
    }
  }

  redeliver(): void {
    if (!this.#dead) this.#mailbox.redeliver();
  }

  resume(): void {
    if (!this.#dead) this.#mailbox.resume();
  }

  pause(): void {
    this.#mailbox.pause();
  }

  suspend(): void {
    this.#mailbox.suspend();
  }

  publish(message: Message, packetId: number, dup = false): PublishOutcome {
    const { topic, payload, qos, retain } = message;
    const { rights } = this.#parts.opening;
    if (this.#dead) return Reason.notAuthorized;
    if (rights?.mayPublish(topic, payload, qos, retain) === false) return Reason.notAuthorized;
    const waits = this.#connection.state === "trying";
    return this.#publishes.publish(message, packetId, dup, waits);
  }

  release(packetId: number): void {
    if (!this.#dead) this.#publishes.release(packetId);
  }

  releaseAll(): void {
    if (!this.#dead) this.#publishes.releaseAll();
  }

  /** Grants what is asked for at once; the upstream broker may think otherwise. */
  subscribe(filter: string, qos: QoS): ReasonCode {
    if (this.#dead) return Reason.notAuthorized;
    if (this.#parts.opening.rights?.maySubscribe(filter, qos) === false)
      return Reason.notAuthorized;
    this.#subscriptions.ask(filter, qos, true, () => {});
    return qos as ReasonCode;
  }

  askSubscription(filter: string, qos: QoS, answer: (outcome: ReasonCode) => void): void {
    const { rights } = this.#parts.opening;
    if (this.#dead || rights?.maySubscribe(filter, qos) === false) {
      answer(Reason.notAuthorized);
      return;
    }
    const waits = this.#connection.state === "trying";
    this.#subscriptions.ask(filter, qos, waits, (outcome) => {
      if (!isFailure(outcome)) this.#mailbox.holdForAnswer();
      answer(outcome);
    });
  }

  /** Retained messages come by themselves; they may reach the node now. */
  deliverRetained(): void {
    if (!this.#dead) this.#mailbox.answered();
  }

  unsubscribe(filter: string): boolean {
    return !this.#dead && this.#subscriptions.remove(filter);
  }

  acknowledge(packetId: number): void {
    if (!this.#dead) this.#mailbox.acknowledge(packetId);
  }

  discard(packetId: number): void {
    this.acknowledge(packetId);
  }

  setWill(will: Will | undefined): void {
    if (this.#dead) return;
    this.#will = will;
    // Only CONNECT tells a will.
    this.#willTimer?.cancel();
    this.#willTimer = this.#parts.scheduler.after(WILL_SETTLES, () => {
      this.#willDue = true;
      this.#tellWill();
    });
  }

  leave(how: Leaving): void {
    if (this.#dead) return;
    const { opening, known } = this.#parts;
    if (!opening.persistent) known.forget(this.clientId);
    this.#die((client) => {
      const properties = this.#kept ? undefined : { sessionExpiryInterval: 0 };
      if (how === "normal") client.disconnect(Reason.success, properties);
      else if (this.#parts.options.level === 5) {
        client.disconnect(Reason.disconnectWithWill, properties);
      } else client.abort("the node is lost");
    });
  }

  received(packetId: number): void {
    if (!this.#dead) this.#mailbox.received(packetId);
  }

  #owner(): UpstreamOwner {
    const { clientId } = this;
    return {
      clientId,
      connectOptions: () => this.#connectOptions(),
      connected: (client, sessionPresent) => this.#connected(client, sessionPresent),
      failed: (failure) => this.#failed(failure),
      message: (packet) => this.#message(packet),
      released: (packetId) => this.#mailbox.released(packetId),
      received: (packetId) => this.#publishes.received(packetId),
      acknowledged: (packetId, answer) => {
        this.#publishes.acknowledged(packetId, answer);
        this.#tellWill();
      },
      subscribed: (packetId, codes) => this.#subscriptions.subscribed(packetId, codes),
      unsubscribed: (packetId) => this.#subscriptions.unsubscribed(packetId),
      drained: () => {},
    };
  }

  #connectOptions(): MqttClientOptions {
    const { options, opening } = this.#parts;
    const { level, keepAlive, maximumPacketSize, maxQueuedMessages } = options;
    const general = {
      level,
      clientId: this.clientId,
      keepAlive,
      maximumPacketSize,
      will: this.#will,
      ...options.login(this.clientId, opening.link ?? ""),
    };
    if (level !== 5) return { ...general, cleanSession: this.#discards || !this.#kept };
    const sessionExpiryInterval = this.#kept ? FOR_GOOD : CLEAN_EXPIRY;
    const receiveMaximum = maxQueuedMessages === 0 ? 65535 : Math.min(maxQueuedMessages, 65535);
    return {
      ...general,
      cleanSession: this.#discards,
      properties: { sessionExpiryInterval, receiveMaximum },
      takesExcess: true,
    };
  }

  #connected(client: MqttClient, sessionPresent: boolean): void {
    const answer = this.#admission;
    this.#discards = false;
    this.#admission = undefined;
    this.#mailbox.open(client, sessionPresent);
    this.#publishes.open(client);
    this.#subscriptions.open(client, sessionPresent);
    answer?.(undefined);
  }

  #failed({ reason, text, final }: Failure): void {
    const renewed = this.#connection.state === "trying";
    this.#mailbox.close();
    this.#publishes.close(renewed);
    this.#subscriptions.close(renewed);
    if (renewed) return;
    const answer = this.#admission;
    if (answer !== undefined) {
      this.#admission = undefined;
      this.#die();
      answer(reason);
    } else if (final) {
      this.#parts.log.debug(`upstream has put out ${JSON.stringify(this.clientId)}: ${text}`);
      this.#die();
      this.peer.evicted(reason);
    }
  }

  #message(packet: PublishPacket): void {
    const { topic, packetId, qos } = packet;
    if (this.#parts.opening.rights?.mayReceive(topic) !== false) this.#mailbox.take(packet);
    else this.#connection.client?.acknowledge(packetId, qos);
  }

  /** Connects anew with the will that is due, once nothing is under way that this could double. */
  #tellWill(): void {
    if (!this.#willDue || !this.#publishes.idle) return;
    this.#willDue = false;
    this.#connection.renew();
  }

  #die(leave: (client: MqttClient) => void = () => {}): void {
    this.#dead = true;
    this.#willTimer?.cancel();
    this.#connection.stop(leave);
    this.#parts.gone(this);
  }
}
