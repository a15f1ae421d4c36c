/** Takes leave of the clients of MQTT when the broker is about to stop. */
import { Reason } from "../mqtt/reason-codes.ts";
import type { Broker } from "./broker.ts";
import type { Session } from "./session.ts";

/**
 * Tells every MQTT client that has come in why it is left (§3.14), and leaves its session as if the
 * connection was lost; what it is told lies in its wire's output, and whoever owns the wire closes it
 * next. Nodes and bridges have their own ways to part.
 *
 * So wills without delay are published now (§3.1.2.5): those with a will go first, and what is published
 * for them reaches those who are still there. A delay goes on after the next start, and whoever comes
 * back before it is over stops his will [MQTT-3.1.3-9].
 */
export function shutDown(broker: Broker): void {
  const present = [...broker.sessions.values()].filter(isConnected);
  const withWill = present.filter(({ will }) => will !== undefined);
  const others = present.filter(({ will }) => will === undefined);
  for (const session of [...withWill, ...others]) {
    const { peer } = session;
    if (peer === undefined) continue;
    broker.leave(session, "lost", undefined);
    peer.evicted(Reason.serverShuttingDown);
  }
}

function isConnected({ peer, origin }: Session): boolean {
  return peer !== undefined && (origin === "mqtt" || origin === "websocket");
}
