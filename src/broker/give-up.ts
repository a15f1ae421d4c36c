/** What becomes of the messages of a session that ends. */
import { handedOn } from "./custody.ts";
import type { Delivery } from "./delivery.ts";
import type { Session } from "./session.ts";

/** Deliveries that are read from the store at a time. */
const PAGE = 256;

/**
 * Others of the group get what this session's client has not got, but not what it may have got at
 * QoS 2 [MQTT-4.8.2-5].
 */
export function handOn({ group, message, custody, qos, state, again, stored }: Delivery): void {
  const begun = qos === 2 && (state === "sent" || again);
  if (group === undefined || message === undefined || begun) return;
  group.receive(message, undefined, undefined, stored ? handedOn(custody) : custody);
}

/** Gives up what is in the store alone, from one sequence to another, page by page. */
export function giveUpStored(
  session: Session,
  from: number,
  until: number,
  giveUp: (delivery: Delivery) => void,
): void {
  session.context.readDeliveries(session, from, until, PAGE, (deliveries, isLast) => {
    for (const delivery of deliveries) giveUp(delivery);
    const last = deliveries.at(-1);
    if (isLast || last === undefined) return;
    giveUpStored(session, last.sequence + 1, until, giveUp);
  });
}
