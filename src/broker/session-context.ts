/** What sessions share: the broker's options, records, and its ear for what they drop. */
import type { Message } from "../seams/message.ts";
import type { Delivery } from "./delivery.ts";
import type { BrokerOptions } from "./options.ts";
import type { Records } from "./records.ts";
import type { Session } from "./session.ts";

export interface SessionContext {
  readonly options: BrokerOptions;
  readonly records: Records;
  /** Calls `session.graceOver(delivery)` once the grace time of custody is over. */
  afterGrace(session: Session, delivery: Delivery): void;
  /** A message went out to the session's client. */
  delivered(message: Message): void;
  /** The message's expiry interval is over [MQTT-3.3.2-5]. */
  hasExpired(message: Message): boolean;
  /** The session had no room for the message. */
  dropped(session: Session, message: Message): void;
}
