/** The broker as a keeper of sessions, for someone who knows better than it where messages go. */
import type { QoS } from "../mqtt/qos.ts";
import { Reason } from "../mqtt/reason-codes.ts";
import type { DirectedDoor, HeldSubscription, Recipient } from "../seams/directed-door.ts";
import {
  type Client,
  type Entry,
  type Opening,
  PENDING,
  type Peer,
  type PublishOutcome,
} from "../seams/door.ts";
import type { Message } from "../seams/message.ts";
import type { Broker } from "./broker.ts";
import { Custody } from "./custody.ts";
import type { Session } from "./session.ts";

export class BrokerDirectedDoor implements DirectedDoor {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  enter(opening: Opening, peer: Peer): Entry {
    return this.#broker.enter(opening, peer);
  }

  forget(clientId: string): void {
    this.#broker.forget(clientId);
  }

  announce(topic: string, payload: Uint8Array, retain: boolean): void {
    this.#broker.announce(topic, payload, retain);
  }

  publishTo(
    from: Client,
    peer: Peer,
    message: Message,
    packetId: number,
    dup: boolean,
    recipients: readonly Recipient[],
  ): PublishOutcome {
    const broker = this.#broker;
    const session = broker.sessions.get(from.clientId);
    if (session === undefined || session.peer !== peer) return Reason.notAuthorized;
    const { incoming } = session;
    const { qos } = message;
    if (qos === 2 && incoming.isRepeated(packetId, dup, message)) {
      return incoming.again(packetId, peer);
    }
    if (broker.memoryFull) return Reason.quotaExceeded;
    if (broker.records.full && this.#needsStore(message, session, recipients)) {
      return Reason.quotaExceeded;
    }
    const mayRefuse = qos > 0 && broker.mayRefuse(session);
    if (mayRefuse && this.#isRefused(message, recipients)) return Reason.quotaExceeded;
    let custody: Custody | undefined;
    if (qos > 0) {
      custody = new Custody(peer, packetId);
      custody.hasRoom = mayRefuse;
      if (qos === 2) incoming.add(packetId, custody, message);
    }
    this.#deliver(message, recipients, custody);
    return custody?.seal(Reason.success) === false ? PENDING : Reason.success;
  }

  isUnreleased(clientId: string, packetId: number): boolean {
    return this.#broker.sessions.get(clientId)?.incoming.knows(packetId) === true;
  }

  hand(message: Message, recipients: readonly Recipient[]): void {
    this.#deliver(message, recipients, undefined);
  }

  *subscriptions(): Iterable<HeldSubscription> {
    for (const [clientId, session] of this.#broker.sessions) {
      for (const [filter, { qos }] of session.subscriptions) yield { clientId, filter, qos };
    }
  }

  #needsStore({ qos }: Message, from: Session, recipients: readonly Recipient[]): boolean {
    if (qos === 0) return false;
    if (qos === 2 && from.persistent) return true;
    return recipients.some((one) => {
      const lesser = Math.min(one.qos, qos) as QoS;
      return lesser > 0 && this.#broker.sessions.get(one.clientId)?.wouldStore(lesser) === true;
    });
  }

  #isRefused(message: Message, recipients: readonly Recipient[]): boolean {
    for (const { clientId, qos } of recipients) {
      const session = this.#broker.sessions.get(clientId);
      if (session === undefined || session.rights?.mayReceive(message.topic) === false) continue;
      if (!session.outgoing.refuses(message, Math.min(qos, message.qos) as QoS)) continue;
      this.#broker.refused(session);
      return true;
    }
    return false;
  }

  #deliver(message: Message, recipients: readonly Recipient[], custody: Custody | undefined): void {
    for (const { clientId, qos, retain } of recipients) {
      const session = this.#broker.sessions.get(clientId);
      if (session === undefined || session.rights?.mayReceive(message.topic) === false) continue;
      const lesser = Math.min(qos, message.qos) as QoS;
      session.outgoing.deliver(message, lesser, retain, custody, undefined);
    }
  }
}
