/** A small broker in memory behind the door seam, for testing those who enter without the real one. */
import type { QoS } from "../../src/mqtt/qos.ts";
import { Reason, type ReasonCode } from "../../src/mqtt/reason-codes.ts";
import {
  type Client,
  type Door,
  type Entry,
  type Leaving,
  type Opening,
  PENDING,
  type Peer,
  type PublishOutcome,
  type Will,
} from "../../src/seams/door.ts";
import { Message } from "../../src/seams/message.ts";
import { filterMatches } from "../../src/topics/names.ts";

const text = new TextDecoder();
const bytes = new TextEncoder();

export interface Published {
  readonly clientId: string;
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

interface Delivery {
  readonly message: Message;
  readonly qos: QoS;
  readonly retain: boolean;
  packetId: number;
  received: boolean;
}

class FakeSession {
  readonly clientId: string;
  opening: Opening;
  readonly subscriptions = new Map<string, QoS>();
  readonly queue: Delivery[] = [];
  readonly inflight = new Map<number, Delivery>();
  readonly unreleased = new Set<number>();
  holder: FakeClient | undefined;
  nextPacketId = 1;

  constructor(opening: Opening) {
    this.clientId = opening.clientId;
    this.opening = opening;
  }
}

class FakeClient implements Client {
  readonly session: FakeSession;
  readonly peer: Peer;
  readonly #door: FakeDoor;
  will: Will | undefined;
  paused = true;
  #pumping = false;

  constructor(door: FakeDoor, session: FakeSession, peer: Peer) {
    this.#door = door;
    this.session = session;
    this.peer = peer;
    this.will = session.opening.will;
  }

  get clientId(): string {
    return this.session.clientId;
  }

  get backlog(): number {
    return this.session.queue.length + this.session.inflight.size;
  }

  get #dead(): boolean {
    return this.session.holder !== this;
  }

  redeliver(): void {
    if (this.#dead) return;
    this.paused = false;
    for (const [packetId, delivery] of [...this.session.inflight]) {
      if (this.paused) return;
      const { message, qos, retain } = delivery;
      if (delivery.received) this.peer.release(packetId);
      else this.peer.deliver(message, qos, retain, true, packetId);
    }
    this.pump();
  }

  resume(): void {
    if (this.#dead) return;
    this.paused = false;
    this.pump();
  }

  pause(): void {
    if (!this.#dead) this.paused = true;
  }

  suspend(): void {
    this.pause();
  }

  pumpUnlessPaused(): void {
    if (!this.paused) this.pump();
  }

  /** QoS 0 passes what waits for the window, which is the harder case for the peer. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const { queue, inflight } = this.session;
    // What was delivered may have changed the queue, so that the search begins anew each time.
    for (let index = 0; index < queue.length && !this.paused && !this.#dead; ) {
      const delivery = queue[index] as Delivery;
      const { message, qos, retain } = delivery;
      if (qos === 0) {
        queue.splice(index, 1);
        this.peer.deliver(message, 0, retain, false, 0);
      } else if (inflight.size < this.session.opening.receiveMaximum) {
        queue.splice(index, 1);
        delivery.packetId = this.session.nextPacketId++;
        inflight.set(delivery.packetId, delivery);
        this.peer.deliver(message, qos, retain, false, delivery.packetId);
      } else {
        index++;
        continue;
      }
      index = 0;
    }
    this.#pumping = false;
  }

  publish(message: Message, packetId: number): PublishOutcome {
    if (this.#dead) return Reason.notAuthorized;
    const { qos } = message;
    const door = this.#door;
    if (door.refusePublish !== undefined) return door.refusePublish;
    if (qos === 2) {
      if (this.session.unreleased.has(packetId)) {
        return door.isPending(this, packetId) ? PENDING : Reason.success;
      }
      this.session.unreleased.add(packetId);
    }
    const { topic, payload, retain } = message;
    const { clientId } = this;
    door.published.push({ clientId, topic, payload: text.decode(payload), qos, retain });
    door.route(message);
    if (qos === 0 || !door.pending) return Reason.success;
    door.await(this, packetId);
    return PENDING;
  }

  release(packetId: number): void {
    if (this.#dead) return;
    this.session.unreleased.delete(packetId);
    this.peer.completed(packetId);
  }

  releaseAll(): void {
    if (!this.#dead) this.session.unreleased.clear();
  }

  subscribe(filter: string, qos: QoS): ReasonCode {
    const { refuseSubscribe } = this.#door;
    if (refuseSubscribe !== undefined) return refuseSubscribe;
    this.session.subscriptions.set(filter, qos);
    return qos as ReasonCode;
  }

  deliverRetained(filter: string, qos: QoS): void {
    for (const message of this.#door.retained.values()) {
      if (filterMatches(filter, message.topic)) this.#door.hand(this.session, message, qos, true);
    }
  }

  unsubscribe(filter: string): boolean {
    return this.session.subscriptions.delete(filter);
  }

  acknowledge(packetId: number): void {
    if (this.#dead) return;
    this.session.inflight.delete(packetId);
    this.pump();
  }

  received(packetId: number): void {
    if (this.#dead) return;
    const delivery = this.session.inflight.get(packetId);
    if (delivery !== undefined) delivery.received = true;
    this.peer.release(packetId);
  }

  discard(packetId: number): void {
    this.#door.discarded++;
    this.acknowledge(packetId);
  }

  setWill(will: Will | undefined): void {
    this.will = will;
  }

  leave(how: Leaving): void {
    if (this.#dead) return;
    const { will, session } = this;
    session.holder = undefined;
    if (!session.opening.persistent) this.#door.sessions.delete(this.clientId);
    if (how !== "normal" && will !== undefined) this.#door.publishWill(will);
  }
}

export class FakeDoor implements Door {
  readonly sessions = new Map<string, FakeSession>();
  readonly retained = new Map<string, Message>();
  /** What clients published, in order. */
  readonly published: Published[] = [];
  readonly wills: Will[] = [];
  /** What was announced last on each topic, and how often anything was. */
  readonly announced = new Map<string, string>();
  announcements = 0;
  discarded = 0;
  /** Every opening that was let in or refused. */
  readonly openings: Opening[] = [];
  /** QoS 1 and 2 publishes wait for `settle()`. */
  pending = false;
  refuseEnter: ReasonCode | undefined;
  refusePublish: ReasonCode | undefined;
  refuseSubscribe: ReasonCode | undefined;
  #waiting: { client: FakeClient; packetId: number }[] = [];

  enter(opening: Opening, peer: Peer): Entry {
    this.openings.push(opening);
    if (this.refuseEnter !== undefined) return { ok: false, reason: this.refuseEnter };
    this.evict(opening.clientId, Reason.sessionTakenOver);
    if (opening.cleanStart) this.sessions.delete(opening.clientId);
    const existing = this.sessions.get(opening.clientId);
    const session = existing ?? new FakeSession(opening);
    session.opening = opening;
    this.sessions.set(opening.clientId, session);
    session.holder = new FakeClient(this, session, peer);
    return { ok: true, client: session.holder, sessionPresent: existing !== undefined };
  }

  /** Takes a session away from who holds it. */
  evict(clientId: string, reason: ReasonCode): void {
    const holder = this.sessions.get(clientId)?.holder;
    if (holder === undefined) return;
    holder.leave("lost");
    holder.peer.evicted(reason);
  }

  /** Everyone is gone without a word, as when the process ended. */
  letGo(): void {
    for (const session of this.sessions.values()) session.holder = undefined;
  }

  forget(clientId: string): void {
    if (this.sessions.get(clientId)?.holder === undefined) this.sessions.delete(clientId);
  }

  announce(topic: string, payload: Uint8Array, retain: boolean): void {
    this.announcements++;
    this.announced.set(topic, text.decode(payload));
    this.publish(topic, text.decode(payload), 0, retain);
  }

  /** Someone else publishes. */
  publish(topic: string, payload: string, qos: QoS = 0, retain = false): void {
    this.route(new Message(topic, bytes.encode(payload), qos, retain));
  }

  route(message: Message): void {
    if (message.retain) this.retained.set(message.topic, message.keep());
    for (const session of [...this.sessions.values()]) {
      let granted = -1;
      for (const [filter, qos] of session.subscriptions) {
        if (qos > granted && filterMatches(filter, message.topic)) granted = qos;
      }
      if (granted >= 0) this.hand(session, message, granted as QoS, false);
    }
  }

  hand(session: FakeSession, message: Message, granted: QoS, retain: boolean): void {
    const qos = Math.min(granted, message.qos) as QoS;
    if (qos === 0 && session.holder === undefined && !session.opening.queueQos0) return;
    session.queue.push({ message: message.keep(), qos, retain, packetId: 0, received: false });
    session.holder?.pumpUnlessPaused();
  }

  publishWill(will: Will): void {
    this.wills.push(will);
    this.route(new Message(will.topic, will.payload, will.qos, will.retain));
  }

  await(client: FakeClient, packetId: number): void {
    this.#waiting.push({ client, packetId });
  }

  isPending(client: FakeClient, packetId: number): boolean {
    return this.#waiting.some((one) => one.client === client && one.packetId === packetId);
  }

  /** All that is pending becomes safe. */
  settle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { client, packetId } of waiting) client.peer.published(packetId);
  }
}
