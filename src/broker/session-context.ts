/** What sessions share: the broker's options, records, and its ear for what they drop. */
import type { Message } from "../seams/message.ts";
import type { Delivery } from "./delivery.ts";
import type { BrokerOptions } from "./options.ts";
import type { QueueClock } from "./queue-clock.ts";
import type { Records } from "./records.ts";
import type { Session } from "./session.ts";

export interface SessionContext {
  readonly options: BrokerOptions;
  readonly records: Records;
  readonly queueClock: QueueClock;
  /** Calls `session.outgoing.graceOver(delivery)` once the grace time of custody is over. */
  afterGrace(session: Session, delivery: Delivery): void;
  /** A message went out to the session's client. */
  delivered(message: Message): void;
  /** The message's expiry interval is over [MQTT-3.3.2-5]. */
  hasExpired(message: Message): boolean;
  /**
   * Reads, now or later, the first `limit` deliveries of a session that are in the store under sequences
   * from one to another, whole ones only; `isLast`: there are no more.
   */
  readDeliveries(
    session: Pick<Session, "clientId">,
    from: number,
    until: number,
    limit: number,
    take: (deliveries: readonly Delivery[], isLast: boolean) => void,
  ): void;
  /** So many deliveries of the session could not be read back. */
  unreadable(session: Session, count: number): void;
  /**
   * The session does not keep a message: there is no room, it has waited for too long, or its client
   * cannot take it.
   */
  dropped(session: Session, why: "full" | "age" | "unfit"): void;
}
