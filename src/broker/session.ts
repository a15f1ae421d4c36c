/**
 * A session: subscriptions, what is queued and in flight to its client, and the QoS 2 identifiers
 * its client has published under. It outlives its client's connection if persistent.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { Origin, Peer, Will } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Custody } from "./custody.ts";
import { Delivery } from "./delivery.ts";
import { IncomingQos2 } from "./incoming-qos2.ts";
import { Queue } from "./queue.ts";
import type { SessionContext } from "./session-context.ts";

export class Session {
  readonly clientId: string;
  readonly context: SessionContext;
  /** Filters with the maximum QoS granted. */
  readonly subscriptions = new Map<string, QoS>();
  readonly incoming = new IncomingQos2(this);
  readonly #inflight = new Map<number, Delivery>();
  readonly #queue = new Queue<Delivery>();
  /** In flight, and to be sent: for the first time, since its identifier is durable, or again. */
  readonly #due = new Queue<Delivery>();
  /** Deliveries that are held or due; QoS 1 waits behind them, so that the order stays. */
  #unsent = 0;
  #queuedBytes = 0;
  #nextPacketId = 1;
  #nextSequence = 1;
  #peer: Peer | undefined;
  #paused = true;
  /** Paused because who is behind the client is not there. */
  #away = true;
  #pumping = false;
  #ended = false;
  receiveMaximum = 1;
  /** Kept when the client leaves, and written to the store. */
  persistent = false;
  queueQos0 = false;
  /** Does not get back what it publishes, and sees RETAIN as published. */
  bridge = false;
  origin: Origin = "mqtt";
  will: Will | undefined;
  /** When the client left, wall clock ms; undefined while one is there. */
  leftAt: number | undefined;

  constructor(clientId: string, context: SessionContext) {
    this.clientId = clientId;
    this.context = context;
  }

  get peer(): Peer | undefined {
    return this.#peer;
  }

  get backlog(): number {
    return this.#queue.length + this.#inflight.size;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Gives the session a client, paused. */
  attach(peer: Peer): void {
    this.#peer = peer;
    this.suspend();
    this.leftAt = undefined;
  }

  detach(wallTime: number): void {
    this.#peer = undefined;
    this.suspend();
    this.leftAt = wallTime;
    this.will = undefined;
    // What is in flight to someone who left is not going to be acknowledged within the grace time.
    if (this.persistent) for (const delivery of this.#inflight.values()) this.#store(delivery);
  }

  pause(): void {
    this.#paused = true;
  }

  suspend(): void {
    this.#paused = true;
    this.#away = true;
  }

  resume(): void {
    if (this.#peer === undefined) return;
    this.#paused = false;
    this.#away = false;
    this.#pump();
  }

  /** [MQTT-4.4.0-1]: unacknowledged PUBLISH and PUBREL are sent again in their order. */
  redeliver(): void {
    if (this.#peer === undefined) return;
    this.#due.clear();
    for (const delivery of this.#inflight.values()) {
      const { state } = delivery;
      if (state === "sent") {
        delivery.state = "due";
        delivery.again = true;
        this.#unsent++;
      }
      if (delivery.state === "due" || state === "released") this.#due.push(delivery);
    }
    this.resume();
  }

  /**
   * Hands a message on, or queues it, or drops and counts it. `custody` is the publisher's, for QoS
   * above 0. `allowance` widens the queue by so many messages.
   */
  deliver(
    message: Message,
    qos: QoS,
    retain: boolean,
    custody: Custody | undefined,
    allowance = 0,
  ): void {
    if (this.#ended) return;
    const ready = this.#peer !== undefined && !this.#paused && !this.#pumping;
    if (qos === 0) {
      if (ready && this.#queue.length === 0) {
        this.#hand(message, 0, retain, false, 0);
      } else {
        this.#queueQos0(message, retain, allowance);
      }
      return;
    }
    const { context } = this;
    const first = this.#queue.length === 0 && (qos === 2 || this.#unsent === 0);
    if (ready && first && this.#inflight.size < this.receiveMaximum) {
      const delivery = new Delivery(message.keep(), qos, retain, this.#nextSequence++);
      if (this.persistent) {
        delivery.entrust(custody);
        if (qos === 1) context.afterGrace(this, delivery);
      }
      this.#launch(delivery);
      return;
    }
    if (this.#isFull(message, allowance) && !this.#giveUpQos0(message, allowance)) {
      context.dropped(this, message);
      return;
    }
    const delivery = new Delivery(message.keep(), qos, retain, this.#nextSequence++);
    this.#enqueue(delivery);
    if (this.persistent) {
      delivery.entrust(custody);
      this.#store(delivery);
    }
    if (ready) this.#pump();
  }

  /** The grace time of a delivery is over: unless acknowledged, it goes to the store. */
  graceOver(delivery: Delivery): void {
    if (delivery.state !== "done" && !this.#ended) this.#store(delivery);
  }

  /** PUBACK or PUBCOMP. */
  acknowledge(packetId: number): void {
    const delivery = this.#inflight.get(packetId);
    if (delivery === undefined) return;
    this.#inflight.delete(packetId);
    this.#finish(delivery);
    this.#pump();
  }

  /** PUBREC: the recipient has the message; only PUBREL and PUBCOMP are left [MQTT-4.3.3-1]. */
  received(packetId: number): void {
    const delivery = this.#inflight.get(packetId);
    if (delivery === undefined || delivery.state !== "sent" || delivery.qos !== 2) {
      // Repeated, or unknown after a lost state: PUBREL ends the exchange.
      if (delivery?.state !== "received") this.#peer?.release(packetId);
      return;
    }
    delivery.message = undefined;
    if (!delivery.stored) {
      delivery.state = "released";
      this.#peer?.release(packetId);
      return;
    }
    // Told to the recipient too early, a power cut would have us publish to it anew.
    delivery.state = "received";
    const { records } = this.context;
    records.putDelivery(this.clientId, delivery);
    records.afterCommit({
      settle: () => {
        if (delivery.state !== "received") return;
        delivery.state = "released";
        this.#peer?.release(packetId);
      },
    });
  }

  /** The recipient cannot take the delivery at all. */
  discard(packetId: number): void {
    const message = this.#inflight.get(packetId)?.message;
    if (message !== undefined) this.context.dropped(this, message);
    this.acknowledge(packetId);
  }

  /** Ends the session with all it holds; publishers no longer wait for it. */
  end(): void {
    this.#ended = true;
    this.#peer = undefined;
    const { records } = this.context;
    if (this.persistent) {
      for (const filter of this.subscriptions.keys()) {
        records.deleteSubscription(this.clientId, filter);
      }
      this.incoming.releaseAll();
      records.deleteSession(this.clientId);
    }
    for (const delivery of [...this.#inflight.values(), ...this.#queue]) this.#finish(delivery);
    this.#inflight.clear();
    this.#queue.clear();
    this.#due.clear();
    this.#queuedBytes = 0;
  }

  /** Puts a delivery read from the store back in its place; called in order of sequence. */
  restore(delivery: Delivery): void {
    delivery.stored = true;
    this.#nextSequence = Math.max(this.#nextSequence, delivery.sequence + 1);
    if (delivery.packetId > 0) {
      delivery.state = delivery.message === undefined ? "released" : "sent";
      this.#inflight.set(delivery.packetId, delivery);
    } else {
      this.#enqueue(delivery);
    }
  }

  #queueQos0(message: Message, retain: boolean, allowance: number): void {
    const here = this.#peer !== undefined && !this.#away;
    if (!here && !(this.persistent && this.queueQos0)) return;
    if (this.#isFull(message, allowance)) {
      // A reading that is newer is worth more than one of its own kind that is older.
      if (!this.queueQos0 || !this.#giveUpQos0(message, allowance)) {
        this.context.dropped(this, message);
        return;
      }
    }
    this.#enqueue(new Delivery(message.keep(), 0, retain, 0));
    if (here && !this.#paused) this.#pump();
  }

  /** Drops QoS 0 messages, oldest first, to make room; true if there is room then. */
  #giveUpQos0(message: Message, allowance: number): boolean {
    while (this.#isFull(message, allowance)) {
      const oldest = this.#queue.takeFirst((item) => item.qos === 0);
      if (oldest === undefined) return false;
      const given = oldest.message as Message;
      this.#queuedBytes -= given.payload.length;
      this.context.dropped(this, given);
    }
    return true;
  }

  #isFull(message: Message, allowance: number): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.context.options;
    return (
      (maxQueuedMessages > 0 && this.#queue.length >= maxQueuedMessages + allowance) ||
      (maxQueuedBytes > 0 &&
        allowance === 0 &&
        this.#queuedBytes + message.payload.length > maxQueuedBytes)
    );
  }

  #enqueue(delivery: Delivery): void {
    this.#queue.push(delivery);
    this.#queuedBytes += delivery.message?.payload.length ?? 0;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#peer !== undefined && !this.#paused) {
      const due = this.#due.shift();
      if (due !== undefined) {
        if (due.state === "due") this.#send(due);
        else if (due.state === "released") this.#peer.release(due.packetId);
        continue;
      }
      const next = this.#queue.peek();
      if (next === undefined) break;
      if (next.qos > 0 && this.#inflight.size >= this.receiveMaximum) break;
      if (next.qos === 1 && this.#unsent > 0) break;
      this.#queue.shift();
      const message = next.message as Message;
      this.#queuedBytes -= message.payload.length;
      if (next.qos === 0) this.#hand(message, 0, next.retain, false, 0);
      else this.#launch(next);
    }
    this.#pumping = false;
  }

  /** Gives a delivery its packet identifier, and sends it as soon as that may be known outside. */
  #launch(delivery: Delivery): void {
    delivery.packetId = this.#freePacketId();
    this.#inflight.set(delivery.packetId, delivery);
    if (delivery.qos === 1 || !this.persistent) {
      this.#send(delivery);
      return;
    }
    // The recipient of a QoS 2 message knows it by its identifier, even after a power cut here.
    delivery.state = "held";
    this.#unsent++;
    delivery.stored = true;
    const { records } = this.context;
    records.putDelivery(this.clientId, delivery);
    records.afterCommit({
      settle: () => {
        delivery.settle();
        if (delivery.state !== "held") return;
        delivery.state = "due";
        this.#due.push(delivery);
        this.#pump();
      },
    });
  }

  #send(delivery: Delivery): void {
    const { message, qos, retain, packetId, again } = delivery;
    if (delivery.state === "due") this.#unsent--;
    delivery.state = "sent";
    this.#hand(message as Message, qos, retain, again, packetId);
  }

  #hand(message: Message, qos: QoS, retain: boolean, dup: boolean, packetId: number): void {
    this.context.delivered(message);
    (this.#peer as Peer).deliver(message, qos, retain, dup, packetId);
  }

  #freePacketId(): number {
    // The window is far smaller than the space of identifiers, so one is always free.
    for (;;) {
      const packetId = this.#nextPacketId;
      this.#nextPacketId = packetId === 65535 ? 1 : packetId + 1;
      if (!this.#inflight.has(packetId)) return packetId;
    }
  }

  #store(delivery: Delivery): void {
    if (delivery.stored) return;
    delivery.stored = true;
    const { records } = this.context;
    records.putDelivery(this.clientId, delivery);
    records.afterCommit(delivery);
  }

  #finish(delivery: Delivery): void {
    if (delivery.state === "held" || delivery.state === "due") this.#unsent--;
    delivery.state = "done";
    if (delivery.stored && delivery.sequence > 0) {
      this.context.records.deleteDelivery(this.clientId, delivery.sequence);
    }
    delivery.settle();
  }
}
