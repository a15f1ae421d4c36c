/**
 * What a session has for its client: the messages on their way, and those that wait for their turn.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { Peer, WaitingRoom } from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Custody } from "./custody.ts";
import { Delivery } from "./delivery.ts";
import { giveUpStored, handOn } from "./give-up.ts";
import { InflightWindow, nextId } from "./inflight-window.ts";
import type { Pages, StoredSpan } from "./paged-queue.ts";
import { isTooMuch, limitsOf, oldestAllowed } from "./queue-limits.ts";
import type { Session } from "./session.ts";
import type { SharedGroup } from "./shared-group.ts";
import { WaitingMessages } from "./waiting-messages.ts";

export class Outgoing {
  readonly #session: Session;
  // There may be a hundred thousand sessions, and most have little under way.
  #window: InflightWindow | undefined;
  #waiting: WaitingMessages | undefined;
  #room: WaitingRoom | undefined;
  #nextPacketId = 1;
  #paused = true;
  /** Paused because who is behind the client is not there. */
  #away = true;
  #pumping = false;
  #ended = false;
  /** What comes is stored at once, as the client is slower than the grace time, or away. */
  #lags = false;
  /** What shows whether the client is quick again: one that was stored at once. */
  #probe: Delivery | undefined;
  /** The highest sequence that its client has acknowledged. */
  #acknowledged = 0;
  #droppingOld = false;

  constructor(session: Session) {
    this.#session = session;
  }

  get backlog(): number {
    return this.queueLength + (this.#window?.size ?? 0);
  }

  /** Payload bytes of the backlog. */
  get backlogBytes(): number {
    return this.queuedBytes + (this.#window?.bytes ?? 0);
  }

  /** Messages that wait for their turn. */
  get queueLength(): number {
    return this.#waiting?.length ?? 0;
  }

  /** Of those, the ones that are not in the store alone. */
  get queueInMemory(): number {
    return this.#waiting?.inMemory ?? 0;
  }

  /** Payload bytes of those. */
  get queuedBytes(): number {
    return this.#waiting?.bytes ?? 0;
  }

  /** A message of this QoS would go out at once. */
  isReady(qos: QoS): boolean {
    const free = qos === 0 || (this.#window?.size ?? 0) < this.#session.receiveMaximum;
    return this.#session.peer !== undefined && !this.#paused && free && !this.#queued;
  }

  wouldStore(qos: QoS): boolean {
    return this.#session.persistent && (qos === 2 || !this.isReady(qos));
  }

  get #queued(): boolean {
    return this.#waiting !== undefined && this.#waiting.length > 0;
  }

  /** A message would be kept until it can go out at this QoS. */
  hasRoom(message: Message, qos: QoS): boolean {
    const here = this.#session.peer !== undefined && (qos > 0 || !this.#away);
    const keeps = here || (this.#session.persistent && (qos > 0 || this.#session.queueQos0));
    return keeps && !this.#isFull(message, 0);
  }

  /**
   * The publisher of this message is to keep it: it would have to wait here, and there is no room. One
   * that would not fit into an empty queue is not worth coming again.
   */
  refuses(message: Message, qos: QoS): boolean {
    if (qos === 0 || !this.#mayRefuse || !this.#isFull(message, 0, "qos0")) return false;
    if (this.#isOpen && this.#isFirst(qos) && this.#mayLaunch(message, qos)) return false;
    return !this.#isFull(message, 0, "all");
  }

  /** The packet identifiers of what is on its way to the client. */
  inflightIds(): readonly number[] {
    return this.#window?.inOrder().map(({ packetId }) => packetId) ?? [];
  }

  /** Which packet of the client's is due under an identifier; undefined if nothing of it is in flight. */
  awaits(packetId: number): "puback" | "pubrec" | "pubcomp" | undefined {
    const delivery = this.#window?.get(packetId);
    if (delivery === undefined || delivery.state === "held") return undefined;
    if (delivery.qos === 1) return "puback";
    return delivery.message === undefined ? "pubcomp" : "pubrec";
  }

  /** Has what waits counted together with what waits for others. */
  share(room: WaitingRoom | undefined): void {
    if (room === this.#room) return;
    this.#room = room;
    this.#waiting?.moveTo(room);
  }

  /** The client has left: what it has not got is stored, if the session is kept. */
  keep(): void {
    this.suspend();
    if (this.#window?.size === 0) this.#window = undefined;
    // What is in flight to someone who left is not going to be acknowledged within the grace time.
    if (!this.#session.persistent) return;
    for (const delivery of this.#window?.inOrder() ?? []) {
      // What was stored before it went out is to go out again under the same identifier.
      if (delivery.storedId !== delivery.packetId) delivery.stored = false;
      this.#store(delivery);
    }
    this.#lag();
  }

  pause(): void {
    this.#paused = true;
  }

  suspend(): void {
    this.#paused = true;
    this.#away = true;
  }

  resume(): void {
    if (this.#session.peer === undefined) return;
    this.#paused = false;
    this.#away = false;
    this.#pump();
  }

  /** [MQTT-4.4.0-1]: unacknowledged PUBLISH and PUBREL are sent again in their order. */
  redeliver(): void {
    if (this.#session.peer === undefined) return;
    this.#window?.makeAllDue();
    if (this.#session.terms?.interleave === true) this.#waiting?.setBacklogAside();
    this.resume();
  }

  /**
   * Hands a message on, or queues it, or drops and counts it. `custody` is the publisher's, for QoS
   * above 0. `allowance` widens the queue by so many messages. `group` gets it back if this session
   * ends before its client has it.
   */
  deliver(
    message: Message,
    qos: QoS,
    retain: boolean,
    custody: Custody | undefined,
    identifiers: readonly number[] | undefined,
    allowance = 0,
    group?: SharedGroup,
  ): void {
    if (this.#ended) return;
    const open = this.#isOpen;
    if (qos === 0) {
      if (open && !this.#queued) this.#hand(message, 0, retain, false, 0, identifiers);
      else this.#queueQos0(message, retain, identifiers, allowance);
      return;
    }
    const { context } = this.#session;
    const first = this.#isFirst(qos);
    const room = this.#mayLaunch(message, qos);
    if (!(open && first && room) && this.#isFull(message, allowance)) {
      if (!this.#makeRoom(message, qos, allowance) && !this.#wasTaken(message, custody)) {
        context.dropped(this.#session, "full");
        return;
      }
    }
    const delivery = new Delivery(message.keep(), qos, retain, context.records.nextSequence());
    delivery.identifiers = identifiers;
    delivery.group = group;
    if (this.#session.persistent) delivery.entrust(custody);
    if (open && first && room) {
      this.#lags = false;
      this.#launch(delivery);
      if (this.#session.persistent && qos === 1) context.afterGrace(this.#session, delivery);
      return;
    }
    delivery.queuedAt = context.queueClock.stamp();
    this.#enqueue(delivery);
    if (this.#session.persistent) this.#keepSafe(delivery);
    if (open) this.#pump();
  }

  /** Stores a delivery that has to wait, unless there is hope that the client gets it in time. */
  #keepSafe(delivery: Delivery): void {
    const { context, peer } = this.#session;
    const isHere = peer !== undefined && !this.#away;
    if (isHere && !this.#lags) {
      context.afterGrace(this.#session, delivery);
      return;
    }
    this.#lag();
    this.#store(delivery);
    if (!isHere || this.#probe !== undefined) return;
    this.#probe = delivery;
    context.afterGrace(this.#session, delivery);
  }

  /**
   * From now on what comes is stored at once. What came before goes to the store with it: lost alone in
   * a power cut, it would come back later than that [MQTT-4.6.0-6].
   */
  #lag(): void {
    if (this.#lags) return;
    this.#lags = true;
    for (const delivery of this.#window?.inOrder() ?? []) this.#store(delivery);
    for (const delivery of this.#waiting?.inOrder() ?? []) {
      if (delivery.qos > 0) this.#store(delivery);
    }
  }

  /** The grace time of a delivery is over: unless acknowledged, it goes to the store. */
  graceOver(delivery: Delivery): void {
    if (delivery === this.#probe) {
      this.#probe = undefined;
      // It may have been left to the store, and sent from there as another object.
      if (this.#acknowledged >= delivery.sequence) {
        this.#lags = false;
        return;
      }
    }
    if (delivery.state === "done" || this.#ended) return;
    if (this.#queued) this.#lag();
    this.#store(delivery);
  }

  /** PUBACK or PUBCOMP, or PUBREC of a failure. False if nothing was in flight under the identifier. */
  acknowledge(packetId: number): boolean {
    const delivery = this.#window?.remove(packetId);
    if (delivery === undefined) return false;
    if (delivery.sequence > this.#acknowledged) this.#acknowledged = delivery.sequence;
    this.#finish(delivery);
    this.#pump();
    return true;
  }

  /** PUBREC: the recipient has the message; only PUBREL and PUBCOMP are left [MQTT-4.3.3-1]. */
  received(packetId: number): void {
    const delivery = this.#window?.get(packetId);
    // Of the time before the client came back: the message need not go out again.
    if (delivery?.state === "due" && delivery.again) this.#window?.markSent(delivery);
    if (delivery === undefined || delivery.state !== "sent" || delivery.qos !== 2) {
      // Repeated, or unknown after a lost state: PUBREL ends the exchange.
      if (delivery?.state !== "received") this.#session.peer?.release(packetId);
      return;
    }
    delivery.message = undefined;
    if (!delivery.stored) {
      delivery.state = "released";
      this.#session.peer?.release(packetId);
      return;
    }
    // Told to the recipient too early, a power cut would have us publish to it anew.
    delivery.state = "received";
    const { records } = this.#session.context;
    records.putDelivery(this.#session.clientId, delivery);
    records.afterCommit({
      settle: () => {
        if (delivery.state !== "received") return;
        delivery.state = "released";
        this.#session.peer?.release(packetId);
      },
    });
  }

  /** The recipient cannot take the delivery at all. */
  discard(packetId: number): void {
    const message = this.#window?.get(packetId)?.message;
    if (message !== undefined) this.#session.context.dropped(this.#session, "unfit");
    this.acknowledge(packetId);
  }

  /**
   * Drops what the client may not receive any more. What is in flight has left already, but to a client
   * that comes back it would be sent again.
   */
  dropForbidden(comesBack: boolean): void {
    const { rights } = this.#session;
    if (rights === undefined) return;
    if (comesBack) {
      for (const { message, packetId } of this.#window?.inOrder() ?? []) {
        if (message !== undefined && !rights.mayReceive(message.topic)) this.acknowledge(packetId);
      }
    }
    const forbidden = this.#waiting?.takeUnless(({ topic }) => rights.mayReceive(topic)) ?? [];
    for (const delivery of forbidden) this.#finish(delivery);
  }

  /** Drops what has waited for longer than it may, as far as that is in memory; what is read next follows. */
  dropOld(): void {
    const oldest = oldestAllowed(this.#session);
    if (oldest === -Infinity || this.#droppingOld) return;
    this.#droppingOld = true;
    for (;;) {
      const old = this.#waiting?.takeOlder(oldest);
      if (old === undefined) break;
      this.#drop(old, "age");
    }
    this.#droppingOld = false;
    this.#tidy();
  }

  /** Gives everything up; publishers no longer wait for it. */
  end(): void {
    this.#ended = true;
    const spans = this.#waiting?.dropSpans() ?? [];
    const left = [
      ...(this.#window?.inOrder() ?? []),
      ...(this.#waiting?.takeUnless(() => false) ?? []),
    ];
    this.#window = undefined;
    this.#waiting = undefined;
    const giveUp = (delivery: Delivery): void => {
      handOn(delivery);
      this.#finish(delivery);
    };
    for (const delivery of left) giveUp(delivery);
    for (const { from, until } of spans) giveUpStored(this.#session, from, until, giveUp);
  }

  /** Gives the next message this packet identifier, or the next one that is free. */
  continueWith(packetId: number): void {
    this.#nextPacketId = packetId;
  }

  /** Puts the deliveries read from the store back in their places, each in order of sequence. */
  restore(
    sent: readonly Delivery[],
    waiting: readonly Delivery[],
    span: StoredSpan | undefined,
  ): void {
    for (const delivery of sent) {
      delivery.state = delivery.message === undefined ? "released" : "sent";
      this.#openWindow().add(delivery);
      // An answer that comes twice must not meet the next message.
      this.#nextPacketId = nextId(delivery.packetId);
    }
    for (const delivery of waiting) this.#enqueue(delivery);
    if (span === undefined) return;
    this.#openWaiting().restore(span);
  }

  #queueQos0(
    message: Message,
    retain: boolean,
    identifiers: readonly number[] | undefined,
    allowance: number,
  ): void {
    const here = this.#session.peer !== undefined && !this.#away;
    if (!here && !(this.#session.persistent && this.#session.queueQos0)) return;
    if (this.#isFull(message, allowance)) {
      // A reading that is newer is worth more than one of its own kind that is older.
      const oldGoes =
        this.#session.queueQos0 || limitsOf(this.#session).queuePolicy === "drop-oldest";
      if (!oldGoes || !this.#makeRoom(message, 0, allowance)) {
        this.#session.context.dropped(this.#session, "full");
        return;
      }
    }
    // One that may have to leave memory needs a record, but nobody waits for that.
    const sequence =
      this.#session.persistent && this.#waiting?.isLong === true
        ? this.#session.context.records.nextSequence()
        : 0;
    const delivery = new Delivery(message.keep(), 0, retain, sequence);
    delivery.identifiers = identifiers;
    delivery.queuedAt = this.#session.context.queueClock.stamp();
    this.#enqueue(delivery);
    this.#store(delivery);
    if (here && !this.#paused) this.#pump();
  }

  /** It was not refused, as it should have been if this session gets the same message twice. */
  #wasTaken(message: Message, custody: Custody | undefined): boolean {
    return custody?.hasRoom === true && this.#mayRefuse && !this.#isFull(message, 0, "all");
  }

  #makeRoom(message: Message, qos: QoS, allowance: number): boolean {
    const drop = (delivery: Delivery): void => this.#drop(delivery, "full");
    const limits = limitsOf(this.#session);
    return this.#waiting?.makeRoom(message, qos, allowance, limits, drop) === true;
  }

  #drop(delivery: Delivery, why: "full" | "age"): void {
    this.#session.context.dropped(this.#session, why);
    this.#finish(delivery);
  }

  #isFull(message: Message, allowance: number, without?: "all" | "qos0"): boolean {
    const limits = limitsOf(this.#session);
    const waiting = this.#waiting;
    if (waiting !== undefined) return waiting.isFull(message, allowance, limits, without);
    const room = this.#room;
    return isTooMuch(1, message.payload.length, room?.used ?? 0, allowance, limits, room);
  }

  #enqueue(delivery: Delivery): void {
    this.#openWaiting().push(delivery);
  }

  #openWaiting(): WaitingMessages {
    this.#waiting ??= new WaitingMessages(this.#room, this.#pages());
    return this.#waiting;
  }

  /** What is kept for good can be left to the store, where that can be read. */
  #pages(): Pages | undefined {
    const { context } = this.#session;
    if (!this.#session.persistent || !context.records.canRead) return undefined;
    return {
      read: (from, until, limit, take) =>
        context.readDeliveries(this.#session, from, until, limit, take),
      arrived: (lost, bytes) => this.#arrived(lost, bytes),
    };
  }

  #arrived(lost: number, lostBytes: number): void {
    if (this.#ended) return;
    this.#waiting?.count(-lostBytes);
    if (lost > 0) this.#session.context.unreadable(this.#session, lost);
    // Rights may have gone while it was in the store.
    if (this.#session.peer !== undefined) this.dropForbidden(false);
    this.#waiting?.settleOverdraft(limitsOf(this.#session), (oldest) => this.#drop(oldest, "full"));
    this.dropOld();
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#session.peer !== undefined && !this.#paused) {
      const due = this.#window?.nextDue(this.#session.receiveMaximum);
      if (due === "none") break;
      if (due !== undefined) {
        if (due.state === "due") this.#send(due);
        else if (due.state === "released") this.#session.peer.release(due.packetId);
        continue;
      }
      const next = this.#waiting?.peek();
      if (next === undefined) break;
      if (next.queuedAt < oldestAllowed(this.#session)) {
        this.#waiting?.shift();
        this.#drop(next, "age");
        continue;
      }
      const message = next.message as Message;
      if (next.qos > 0 && !this.#mayLaunch(message, next.qos)) break;
      if (next.qos === 1 && this.#hasUnsent) break;
      this.#waiting?.shift();
      if (this.#session.context.hasExpired(message)) this.#finish(next);
      else if (next.qos > 0) this.#launch(next);
      else this.#handQos0(next, message);
    }
    this.#pumping = false;
    this.#tidy();
  }

  #tidy(): void {
    if (this.#waiting === undefined || this.#waiting.length > 0) return;
    this.#waiting = undefined;
    this.#lags = false;
  }

  /** Whether one more message may be on its way to the client. */
  #mayLaunch(message: Message, qos: QoS): boolean {
    const window = this.#window;
    if (window === undefined) return true;
    const { maxInflightQos2 } = this.#session.terms ?? {};
    if (qos === 2 && maxInflightQos2 !== undefined && window.sizeQos2 >= maxInflightQos2) {
      return false;
    }
    return window.hasRoom(
      message,
      this.#session.receiveMaximum,
      this.#session.context.options.maxInflightBytes,
    );
  }

  /** Who publishes what there is no room for is told so. */
  get #mayRefuse(): boolean {
    return this.#session.persistent && limitsOf(this.#session).queuePolicy === "refuse";
  }

  /** What comes now need not wait until the client can be sent something. */
  get #isOpen(): boolean {
    return this.#session.peer !== undefined && !this.#paused && !this.#pumping;
  }

  /** Nothing goes before a message of this QoS, 1 or 2, that comes now. */
  #isFirst(qos: QoS): boolean {
    return !this.#queued && (qos === 2 || !this.#hasUnsent);
  }

  get #hasUnsent(): boolean {
    return this.#window !== undefined && this.#window.unsent > 0;
  }

  #openWindow(): InflightWindow {
    this.#window ??= new InflightWindow();
    return this.#window;
  }

  /** Gives a delivery its packet identifier, and sends it as soon as that may be known outside. */
  #launch(delivery: Delivery): void {
    const window = this.#openWindow();
    delivery.packetId = window.freeId(this.#nextPacketId);
    this.#nextPacketId = nextId(delivery.packetId);
    window.add(delivery);
    if (delivery.qos === 1 || !this.#session.persistent) {
      this.#send(delivery);
      return;
    }
    // The recipient of a QoS 2 message knows it by its identifier, even after a power cut here.
    window.hold(delivery);
    delivery.stored = true;
    const { records } = this.#session.context;
    records.putDelivery(this.#session.clientId, delivery);
    records.afterCommit({
      settle: () => {
        delivery.settle();
        if (delivery.state !== "held") return;
        window.makeDue(delivery);
        this.#pump();
      },
    });
  }

  #send(delivery: Delivery): void {
    const { message, qos, retain, packetId, again, identifiers } = delivery;
    this.#openWindow().markSent(delivery);
    this.#hand(message as Message, qos, retain, again, packetId, identifiers);
  }

  #hand(
    message: Message,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    identifiers: readonly number[] | undefined,
  ): void {
    this.#session.context.delivered(message);
    (this.#session.peer as Peer).deliver(message, qos, retain, dup, packetId, identifiers);
  }

  #handQos0(delivery: Delivery, message: Message): void {
    this.#hand(message, 0, delivery.retain, false, 0, delivery.identifiers);
    this.#finish(delivery);
  }

  #store(delivery: Delivery): void {
    if (delivery.stored || delivery.sequence === 0) return;
    delivery.stored = true;
    const { records } = this.#session.context;
    records.putDelivery(this.#session.clientId, delivery);
    records.afterCommit(delivery);
  }

  #finish(delivery: Delivery): void {
    delivery.state = "done";
    // The grace period may hold the delivery for a while yet.
    delivery.message = undefined;
    if (delivery.stored) {
      const { sequence, storedId = 0 } = delivery;
      this.#session.context.records.deleteDelivery(this.#session.clientId, sequence, storedId > 0);
    }
    delivery.settle();
  }
}
