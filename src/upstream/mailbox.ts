/**
 * Messages that the upstream broker has sent for one node, until the node has them: they wait here while
 * it sleeps, and are acknowledged there only when the node has acknowledged, so that the upstream
 * broker keeps the custody. The node gets them under the packet identifiers of the upstream broker.
 */
import type { PublishPacket } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { MqttClient } from "../mqtt-client/mqtt-client.ts";
import type { Peer } from "../seams/door.ts";
import { Message } from "../seams/message.ts";

interface Letter {
  /** Towards the node; 0 at QoS 0. */
  readonly packetId: number;
  /** At the upstream broker; 0 where that has forgotten it. */
  upstreamId: number;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Undefined once the node has it (PUBREC). */
  message: Message | undefined;
  /**
   * "sent" waits for PUBACK or PUBREC of the node, "received" for PUBREL of the upstream broker,
   * "released" for PUBCOMP of the node; "done" is still to be acknowledged to the upstream broker.
   */
  state: "queued" | "sent" | "received" | "released" | "done";
  /** It came, or its PUBREL did, on the present connection: that is where it is acknowledged. */
  current: boolean;
  /** It was sent before the node came back. */
  again: boolean;
  /** The node was told of its release. */
  told: boolean;
}

export interface MailboxParts {
  readonly peer: Peer;
  /** QoS 1 and 2 messages on their way to the node at a time. */
  readonly receiveMaximum: number;
  readonly queueQos0: boolean;
  /** 0 is no limit, here and below. */
  readonly maxMessages: number;
  /** Payload bytes. */
  readonly maxBytes: number;
  /** What was not taken comes again on a new connection. */
  readonly keptUpstream: boolean;
  /** The node has everything, and there is more to be had on a new connection. */
  readonly refetch: () => void;
  /** A message was dropped, since there was no room for it. */
  readonly dropped: () => void;
}

export class Mailbox {
  readonly #parts: MailboxParts;
  #queue: Letter[] = [];
  #queuedBytes = 0;
  /** QoS 1 and 2, by their identifiers on either side. */
  readonly #toNode = new Map<number, Letter>();
  readonly #fromUpstream = new Map<number, Letter>();
  #inflight = 0;
  #client: MqttClient | undefined;
  #paused = true;
  #away = true;
  /** Answers to SUBSCRIBE that are to reach the node before the messages do. */
  #answering = 0;
  #pumping = false;
  /** The node is yet to be told of a release. */
  #releaseDue = false;
  /** Messages were left with the upstream broker for want of room. */
  #skipped = false;

  constructor(parts: MailboxParts) {
    this.#parts = parts;
  }

  /** Messages that the node has not got for good. */
  get backlog(): number {
    return this.#queue.length + this.#inflight;
  }

  /** Takes messages from this connection. */
  open(client: MqttClient, sessionPresent: boolean): void {
    this.#client = client;
    this.#skipped = false;
    if (sessionPresent) return;
    // Without its session the upstream broker uses packet identifiers anew.
    for (const letter of this.#fromUpstream.values()) {
      letter.upstreamId = 0;
      if (letter.state === "received") this.#release(letter);
    }
    this.#fromUpstream.clear();
    this.#pump();
  }

  close(): void {
    this.#client = undefined;
    for (const letter of this.#fromUpstream.values()) letter.current = false;
  }

  /** PUBLISH from the upstream broker. */
  take(packet: PublishPacket): void {
    const { qos, packetId } = packet;
    if (qos === 0) {
      this.#takeQos0(packet);
      return;
    }
    const known = this.#fromUpstream.get(packetId);
    if (known !== undefined && (packet.dup || known.state !== "done")) {
      known.current = true;
      this.#repeated(known);
      return;
    }
    if (this.#skipped || this.#isFull(packet.payload.length)) {
      this.#skip(packet);
      return;
    }
    const letter: Letter = {
      packetId: this.#idFor(packetId),
      upstreamId: packetId,
      qos,
      retain: packet.retain,
      message: messageOf(packet).keep(),
      state: "queued",
      current: true,
      again: packet.dup,
      told: false,
    };
    this.#toNode.set(letter.packetId, letter);
    this.#fromUpstream.set(packetId, letter);
    this.#enqueue(letter);
    this.#pump();
  }

  /** PUBREL from the upstream broker: it does not send this QoS 2 message again. */
  released(upstreamId: number): void {
    const letter = this.#fromUpstream.get(upstreamId);
    if (letter === undefined || letter.state === "done") {
      this.#fromUpstream.delete(upstreamId);
      this.#client?.complete(upstreamId);
      return;
    }
    letter.current = true;
    if (letter.state !== "received") return;
    this.#release(letter);
    this.#pump();
  }

  /** The node has the QoS 1 message for good, or has completed QoS 2. */
  acknowledge(packetId: number): void {
    const letter = this.#toNode.get(packetId);
    if (letter === undefined) return;
    this.#toNode.delete(packetId);
    this.#leaveQueue(letter);
    const { qos, state, upstreamId, current } = letter;
    letter.state = "done";
    letter.message = undefined;
    if (qos === 2 && state !== "released") {
      // It gets no further: the exchange with the upstream broker is brought to its end.
      if (state !== "received" && current) this.#client?.acknowledge(upstreamId, 2);
    } else if (current) {
      this.#fromUpstream.delete(upstreamId);
      if (qos === 1) this.#client?.acknowledge(upstreamId, 1);
      else this.#client?.complete(upstreamId);
    }
    this.#pump();
    if (this.#skipped && this.backlog === 0) this.#parts.refetch();
  }

  /** PUBREC from the node. */
  received(packetId: number): void {
    const letter = this.#toNode.get(packetId);
    if (letter === undefined || letter.qos !== 2) {
      // Unknown after a restart: PUBREL ends the exchange.
      this.#parts.peer.release(packetId);
      return;
    }
    if (letter.state === "released") {
      this.#release(letter);
      this.#pump();
      return;
    }
    if (letter.state === "received") return;
    this.#leaveQueue(letter);
    this.#inflight++;
    letter.message = undefined;
    if (letter.upstreamId === 0) this.#release(letter);
    else letter.state = "received";
    if (letter.current) this.#client?.acknowledge(letter.upstreamId, 2);
    this.#pump();
  }

  redeliver(): void {
    const back: Letter[] = [];
    for (const letter of this.#toNode.values()) {
      if (letter.state === "released") this.#release(letter);
      if (letter.state !== "sent") continue;
      letter.state = "queued";
      letter.again = true;
      this.#inflight--;
      this.#queuedBytes += letter.message?.payload.length ?? 0;
      back.push(letter);
    }
    if (back.length > 0) this.#queue = [...back, ...this.#queue];
    this.resume();
  }

  resume(): void {
    this.#paused = false;
    this.#away = false;
    this.#pump();
  }

  pause(): void {
    this.#paused = true;
  }

  suspend(): void {
    this.#paused = true;
    this.#away = true;
  }

  /** Holds messages back until the node has been told that it has subscribed. */
  holdForAnswer(): void {
    this.#answering++;
  }

  answered(): void {
    if (this.#answering > 0) this.#answering--;
    this.#pump();
  }

  get #isOpen(): boolean {
    return !this.#paused && this.#answering === 0;
  }

  #takeQos0(packet: PublishPacket): void {
    const { peer, queueQos0, dropped } = this.#parts;
    const message = messageOf(packet);
    if (this.#isOpen && this.#queue.length === 0 && !this.#pumping) {
      peer.deliver(message, 0, packet.retain, false, 0);
      return;
    }
    if (this.#away && !queueQos0) return;
    while (this.#isFull(packet.payload.length)) {
      // A reading that is newer is worth more than an older one.
      const oldest = this.#queue.find(({ qos }) => qos === 0);
      dropped();
      if (oldest === undefined) return;
      this.#removeFromQueue(oldest);
    }
    this.#enqueue({
      packetId: 0,
      upstreamId: 0,
      qos: 0,
      retain: packet.retain,
      message: message.keep(),
      state: "queued",
      current: true,
      again: false,
      told: false,
    });
    this.#pump();
  }

  /** The upstream broker has sent something again, after a connection was lost. */
  #repeated(letter: Letter): void {
    const { state, qos, upstreamId } = letter;
    if (state === "done" && qos === 1) {
      this.#fromUpstream.delete(upstreamId);
      this.#client?.acknowledge(upstreamId, 1);
    } else if (qos === 2 && state !== "queued" && state !== "sent") {
      this.#client?.acknowledge(upstreamId, 2);
    }
  }

  /** No room: it stays with the upstream broker if that brings it again, else it is lost. */
  #skip({ packetId, qos }: PublishPacket): void {
    if (this.#parts.keptUpstream) {
      this.#skipped = true;
      return;
    }
    this.#parts.dropped();
    this.#client?.acknowledge(packetId, qos);
  }

  #isFull(bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#parts;
    return (
      (maxMessages > 0 && this.#queue.length >= maxMessages) ||
      (maxBytes > 0 && this.#queuedBytes > 0 && this.#queuedBytes + bytes > maxBytes)
    );
  }

  #enqueue(letter: Letter): void {
    this.#queue.push(letter);
    this.#queuedBytes += letter.message?.payload.length ?? 0;
  }

  /** Takes the letter out of what is queued or in flight. */
  #leaveQueue(letter: Letter): void {
    if (letter.state === "queued") this.#removeFromQueue(letter);
    else this.#inflight--;
  }

  #removeFromQueue(letter: Letter): void {
    this.#queue.splice(this.#queue.indexOf(letter), 1);
    this.#queuedBytes -= letter.message?.payload.length ?? 0;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#tellReleased();
    while (this.#isOpen) {
      const next = this.#queue[0];
      if (next === undefined) break;
      if (next.qos > 0 && this.#inflight >= this.#parts.receiveMaximum) break;
      this.#removeFromQueue(next);
      if (next.qos > 0) {
        next.state = "sent";
        this.#inflight++;
      }
      const { message, qos, retain, again, packetId } = next;
      this.#parts.peer.deliver(message as Message, qos, retain, again, packetId);
      this.#tellReleased();
    }
    this.#pumping = false;
  }

  /** The node is to be told (again) that it has the message for good. */
  #release(letter: Letter): void {
    letter.state = "released";
    letter.told = false;
    this.#releaseDue = true;
  }

  #tellReleased(): void {
    // What is paused is the next message; the end of an exchange does not wait for that.
    if (!this.#releaseDue || this.#away) return;
    this.#releaseDue = false;
    for (const letter of [...this.#toNode.values()]) {
      if (this.#away) {
        this.#releaseDue = true;
        return;
      }
      if (letter.state !== "released" || letter.told) continue;
      letter.told = true;
      this.#parts.peer.release(letter.packetId);
    }
  }

  /** The upstream broker's own identifier, unless that is still in use for something it has forgotten. */
  #idFor(upstreamId: number): number {
    let packetId = upstreamId;
    while (this.#toNode.has(packetId)) packetId = packetId === 65535 ? 1 : packetId + 1;
    return packetId;
  }
}

function messageOf({ topic, payload, qos, retain }: PublishPacket): Message {
  return new Message(topic, payload, qos, retain, true);
}
