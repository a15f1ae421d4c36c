/** What the subscription tree leads to: a session, or a group of sessions that share a subscription. */
import type { QoS } from "../mqtt/qos.ts";
import type { Message } from "../seams/message.ts";
import type { Custody } from "./custody.ts";
import type { Session } from "./session.ts";
import type { Grant } from "./subscription.ts";

export interface Subscriber {
  /** Takes a message; false if it is not for this subscriber after all. */
  receive(
    message: Message,
    grant: Grant,
    publisher: Session | undefined,
    custody: Custody | undefined,
  ): boolean;
  /** The session that would have the publisher of a message refused, since it has no room for it. */
  refuser(message: Message, grant: Grant, publisher: Session): Session | undefined;
  /** A message of this QoS, 1 or 2, would be written to the store before it can go out. */
  wouldStore(qos: QoS): boolean;
}
