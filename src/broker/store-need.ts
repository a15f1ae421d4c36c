/** Whether a message can be taken while the store takes nothing more. */
import type { QoS } from "../mqtt/qos.ts";
import type { Message } from "../seams/message.ts";
import type { Session } from "./session.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Grant } from "./subscription.ts";

export interface Match {
  readonly subscriber: Subscriber;
  readonly grant: Grant;
}

/**
 * True where the message would have to be written to be acknowledged: it is retained, or somebody who
 * is to have it over restarts cannot be sent it now. Who is sent it at once acknowledges it himself.
 */
export function needsStore(
  message: Message,
  publisher: Session,
  matches: readonly Match[],
): boolean {
  if (message.qos === 0) return false;
  if (message.retain) return true;
  // Its packet identifier is to be known after a restart.
  if (message.qos === 2 && publisher.persistent) return true;
  return matches.some(({ subscriber, grant }) => {
    const given = subscriber === publisher && !publisher.bridge ? grant.own : grant;
    if (given === undefined) return false;
    const qos = Math.min(given.qos, message.qos) as QoS;
    return qos > 0 && subscriber.wouldStore(qos);
  });
}
