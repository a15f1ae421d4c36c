/** Answers that promise something of a kept session's subscriptions wait until that is durable. */
import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";

/**
 * Runs `action` once the session's subscriptions are durable as they are now: at once if they are, or the
 * session is not kept, and not at all if the connection ends before. While the disk takes nothing the
 * promise is given without: a client without an answer could do nothing at all.
 */
export function whenStored(
  connection: Connection,
  session: Session | undefined,
  action: () => void,
): void {
  const { records } = connection.broker;
  if (session?.persistent !== true || records.full) {
    action();
    return;
  }
  const { subscriptionChanges } = session;
  if (session.storedSubscriptionChanges >= subscriptionChanges) {
    action();
    return;
  }
  records.afterCommit({
    settle: () => {
      session.storedSubscriptionChanges = Math.max(
        session.storedSubscriptionChanges,
        subscriptionChanges,
      );
      if (!connection.ended) action();
    },
  });
}
