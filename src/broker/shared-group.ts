/**
 * A shared subscription, `$share/GROUP/FILTER` (MQTT 5.0 §4.8.2): each message goes to one of its
 * sessions, in turn, passing over those whose client is away or whose queue is full.
 */
import type { QoS } from "../mqtt/qos.ts";
import type { Message } from "../seams/message.ts";
import type { Custody } from "./custody.ts";
import type { Session } from "./session.ts";
import type { Subscriber } from "./subscriber.ts";
import { combine, type Grant, type Subscription } from "./subscription.ts";

interface Member {
  readonly session: Session;
  readonly grant: Grant;
}

export class SharedGroup implements Subscriber {
  /** Group and filter, as `GROUP/FILTER`. */
  readonly key: string;
  #members: Member[] = [];
  #turn = 0;

  constructor(key: string) {
    this.key = key;
  }

  get empty(): boolean {
    return this.#members.length === 0;
  }

  /** Adds a session, or replaces its options. True if it is new. */
  add(session: Session, subscription: Subscription): boolean {
    const known = this.remove(session);
    this.#members = [...this.#members, { session, grant: combine([subscription]) }];
    return !known;
  }

  /** False if the session was no member. */
  remove(session: Session): boolean {
    const before = this.#members.length;
    this.#members = this.#members.filter((member) => member.session !== session);
    return this.#members.length < before;
  }

  /** Whoever can take it at once gets it. */
  wouldStore(qos: QoS): boolean {
    return this.#members.every(({ session }) => session.wouldStore(qos));
  }

  /** One that refuses does so only where nobody else has room. */
  refuser(message: Message, _grant: Grant, publisher: Session): Session | undefined {
    let refuser: Session | undefined;
    for (const { session, grant } of this.#members) {
      if (session.rights?.mayReceive(message.topic) === false) continue;
      const qos = Math.min(grant.qos, message.qos) as QoS;
      if (session.outgoing.isReady(qos) || session.outgoing.hasRoom(message, qos)) return undefined;
      refuser ??= session.refuser(message, grant, publisher);
    }
    return refuser;
  }

  receive(
    message: Message,
    _grant: Grant | undefined,
    publisher: Session | undefined,
    custody: Custody | undefined,
  ): boolean {
    const members = this.#members;
    // Best who can take it now; then who can keep it; at last whoever will count it as dropped.
    for (const fits of [isReady, hasRoom, isAny]) {
      for (let step = 0; step < members.length; step++) {
        const index = (this.#turn + step) % members.length;
        const { session, grant } = members[index] as Member;
        if (!fits(session, message, Math.min(grant.qos, message.qos) as QoS)) continue;
        if (!session.receive(message, grant, publisher, custody, this)) continue;
        this.#turn = index + 1;
        return true;
      }
    }
    return false;
  }
}

function isReady(session: Session, _message: Message, qos: QoS): boolean {
  return session.outgoing.isReady(qos);
}

function hasRoom(session: Session, message: Message, qos: QoS): boolean {
  return session.outgoing.hasRoom(message, qos);
}

function isAny(): boolean {
  return true;
}
