/**
 * What sessions that have ended left in the store, as the process ended before it had been through it:
 * others of a shared subscription get their part, as they would have, and the rest goes.
 */
import type { Broker } from "./broker.ts";
import type { Delivery } from "./delivery.ts";
import { handOn } from "./give-up.ts";
import { deliveryKeyParts, readRecord } from "./records.ts";

/** Deliveries that are read from the store at a time. */
const PAGE = 256;

/** In the commit that brings the record of whoever gets it. */
export function giveUpLeft(broker: Broker, clientId: string, delivery: Delivery): void {
  const { sequence, packetId } = delivery;
  // One with an identifier has been sent, or nearly.
  if (packetId > 0) delivery.state = "sent";
  handOn(delivery);
  broker.records.deleteDelivery(clientId, sequence, packetId > 0);
}

/** The same of what is in the store alone, of sequences from one to another, page by page. */
export function giveUpLeftInStore(
  broker: Broker,
  clientId: string,
  from: number,
  until: number,
): void {
  const { records, subscriptions, clock } = broker;
  records.readDeliveries(clientId, from, until, PAGE, (found) => {
    let last = until;
    for (const record of found) {
      last = deliveryKeyParts(record.key)?.sequence ?? until;
      const fact = readRecord(record, clock);
      if (fact?.kind === "delivery") {
        const { delivery, group } = fact;
        if (group !== undefined) delivery.group = subscriptions.group(group);
        giveUpLeft(broker, clientId, delivery);
      } else {
        records.deleteDelivery(clientId, last, false);
      }
    }
    if (found.length < PAGE || last >= until) return;
    giveUpLeftInStore(broker, clientId, last + 1, until);
  });
}
