/**
 * What one node publishes, on its way to the upstream broker, which has the custody of it: the node is
 * answered when that broker has answered. A node's MsgId is the packet identifier there wherever that
 * is free, so that the upstream broker itself knows a repeated QoS 2 message, over restarts of ours too.
 */
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Answer } from "../mqtt-client/client-owner.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import { PENDING, type Peer, type PublishOutcome } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";

interface Outgoing {
  /** What the node calls it. */
  readonly messageId: number;
  readonly qos: QoS;
  /** Undefined once the upstream broker has it (PUBREC). */
  message: Message | undefined;
  dup: boolean;
  /** Which packet comes next: PUBLISH, or PUBREL from the node, or PUBCOMP from the upstream broker. */
  state: "unanswered" | "received" | "released";
}

/** Publishes that wait for a connection that is being made. */
const MOST_HELD = 32;
/** Unsent bytes beyond which QoS 0 messages are not taken. */
const BACKLOG_LIMIT = 262_144;

export class NodePublishes {
  readonly #peer: Peer;
  /** Identifiers that SUBSCRIBE and UNSUBSCRIBE are under way with. */
  readonly #isTaken: (packetId: number) => boolean;
  /** By packet identifier at the upstream broker, in the order in which they were sent first. */
  readonly #inflight = new Map<number, Outgoing>();
  #held: Outgoing[] = [];
  /** In flight since an earlier connection, still to be repeated on this one. */
  #repeats: number[] = [];
  #client: MqttClient | undefined;

  constructor(peer: Peer, isTaken: (packetId: number) => boolean) {
    this.#peer = peer;
    this.#isTaken = isTaken;
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#inflight.size === 0 && this.#held.length === 0;
  }

  /** `waits`: a connection is being made, so that the message may wait for it. */
  publish(message: Message, messageId: number, dup: boolean, waits: boolean): PublishOutcome {
    const { qos } = message;
    if (qos === 2) {
      const known = this.#find(messageId);
      if (known !== undefined) return known.state === "unanswered" ? PENDING : Reason.success;
    }
    const client = this.#client;
    if (client === undefined) {
      const mayWait = waits || isInDoubt(qos, dup);
      if (!mayWait || this.#held.length >= MOST_HELD) return Reason.serverUnavailable;
    } else if (qos === 0) {
      if (client.backlog > BACKLOG_LIMIT) return Reason.serverBusy;
      const { topic, payload, retain } = message;
      return client.publish(topic, payload, 0, retain, false, 0) ?? Reason.success;
    }
    const item: Outgoing = { messageId, qos, message: message.keep(), dup, state: "unanswered" };
    if (client === undefined || this.#held.length > 0 || !this.#hasTurn(client)) {
      if (this.#held.length >= MOST_HELD) return Reason.serverBusy;
      this.#held.push(item);
      return qos === 0 ? Reason.success : PENDING;
    }
    return this.#send(client, item) ?? PENDING;
  }

  /** PUBREL from the node; `Peer.completed` follows once the upstream broker has answered it. */
  release(messageId: number): void {
    const entry = this.#entryOf(messageId);
    if (entry === undefined) {
      this.#releaseUnknown(messageId);
      return;
    }
    const [packetId, item] = entry;
    if (item.state === "unanswered") return;
    item.state = "released";
    this.#client?.release(packetId);
  }

  /** The node has begun anew: what it has not released is released for it. */
  releaseAll(): void {
    for (const [packetId, item] of this.#inflight) {
      if (item.state !== "received") continue;
      item.state = "released";
      this.#client?.release(packetId);
    }
  }

  /** PUBREC from the upstream broker. */
  received(packetId: number): void {
    const item = this.#inflight.get(packetId);
    if (item === undefined || item.state === "released") {
      this.#client?.release(packetId);
      return;
    }
    item.state = "received";
    item.message = undefined;
    this.#peer.published(item.messageId, Reason.success);
  }

  /** PUBACK or PUBCOMP from the upstream broker, or a PUBREC that refuses. */
  acknowledged(packetId: number, { reasonCode }: Answer): void {
    const item = this.#inflight.get(packetId);
    if (item === undefined) return;
    this.#inflight.delete(packetId);
    if (item.state === "released") this.#peer.completed(item.messageId);
    else this.#tell(item, isFailure(reasonCode) ? (reasonCode as ReasonCode) : Reason.success);
    this.#pump();
  }

  open(client: MqttClient): void {
    this.#client = client;
    this.#repeats = [...this.#inflight.keys()];
    for (const packetId of this.#repeats) client.reserve(packetId);
    this.#pump();
  }

  /** The connection is gone. What was not sent goes back to the node, unless `renewed`. */
  close(renewed: boolean): void {
    this.#client = undefined;
    this.#repeats = [];
    if (renewed) return;
    const held = this.#held;
    this.#held = held.filter(({ qos, dup }) => isInDoubt(qos, dup));
    for (const item of held) {
      if (!isInDoubt(item.qos, item.dup)) this.#tell(item, Reason.serverUnavailable);
    }
  }

  #tell(item: Outgoing, reason: ReasonCode): void {
    if (item.qos > 0) this.#peer.published(item.messageId, reason);
  }

  /**
   * A PUBREL for something of before a restart: the upstream broker, which may know it under this
   * identifier, has to hear of it.
   */
  #releaseUnknown(messageId: number): void {
    if (messageId === 0 || this.#inflight.has(messageId) || this.#isTaken(messageId)) {
      this.#peer.completed(messageId);
      return;
    }
    const nothing = { messageId, qos: 2, message: undefined, dup: false } as const;
    this.#inflight.set(messageId, { ...nothing, state: "released" });
    this.#client?.release(messageId);
  }

  #pump(): void {
    const client = this.#client;
    while (client !== undefined && this.#client === client && this.#repeat(client)) {
      const [item] = this.#held;
      if (item === undefined || (item.qos > 0 && !this.#hasTurn(client))) return;
      this.#held.shift();
      const problem = this.#send(client, item);
      if (problem !== undefined) this.#tell(item, problem);
    }
  }

  #hasTurn(client: MqttClient): boolean {
    return client.quota > 0 && this.#repeats.length === 0;
  }

  /** Sends a message for the first time; answers why this upstream broker must not be sent it. */
  #send(client: MqttClient, item: Outgoing): ReasonCode | undefined {
    const { messageId, qos, dup } = item;
    const { topic, payload, retain } = item.message as Message;
    if (qos === 0) return client.publish(topic, payload, 0, retain, false, 0);
    const own = this.#isFree(messageId);
    const packetId = own ? messageId : client.freePacketId();
    if (packetId === 0) return Reason.quotaExceeded;
    // Entered before the call, since the answer may come from within it.
    this.#inflight.set(packetId, item);
    const problem = client.publish(topic, payload, qos, retain, dup && own, packetId);
    if (problem !== undefined) this.#inflight.delete(packetId);
    return problem;
  }

  /** Takes up what an earlier connection left open, in its order [MQTT-4.6.0-1]. False while some of it waits. */
  #repeat(client: MqttClient): boolean {
    while (this.#repeats.length > 0) {
      const packetId = this.#repeats[0] as number;
      const item = this.#inflight.get(packetId);
      if (item?.state === "unanswered") {
        if (client.quota <= 0) return false;
        const { topic, payload, retain } = item.message as Message;
        item.dup = true;
        const problem = client.publish(topic, payload, item.qos, retain, true, packetId);
        if (problem !== undefined) {
          this.#inflight.delete(packetId);
          this.#tell(item, problem);
        }
      } else if (item?.state === "released") {
        client.release(packetId);
      }
      this.#repeats.shift();
    }
    return true;
  }

  #isFree(packetId: number): boolean {
    return packetId > 0 && !this.#inflight.has(packetId) && !this.#isTaken(packetId);
  }

  #entryOf(messageId: number): readonly [number, Outgoing] | undefined {
    for (const entry of this.#inflight) {
      const [, item] = entry;
      if (item.qos === 2 && item.messageId === messageId) return entry;
    }
    return undefined;
  }

  #find(messageId: number): Outgoing | undefined {
    const held = this.#held.find((item) => item.qos === 2 && item.messageId === messageId);
    return held ?? this.#entryOf(messageId)?.[1];
  }
}

/**
 * The upstream broker may have the message from an earlier connection: were the node told that it has
 * not, it would publish it anew.
 */
function isInDoubt(qos: QoS, dup: boolean): boolean {
  return qos === 2 && dup;
}
