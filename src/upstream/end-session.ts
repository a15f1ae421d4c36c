/** Has the upstream broker forget a session that nobody holds: connects clean, and leaves. */
import type { Opening } from "../seams/door.ts";
import type { UpstreamParts } from "./options.ts";
import type { Reachability } from "./reachability.ts";
import { UpstreamConnection, type UpstreamOwner } from "./upstream-connection.ts";

/** Tries once. `done` is called when it is over; the answer gives it up. */
export function endSession(
  parts: UpstreamParts,
  reachability: Reachability,
  clientId: Opening["clientId"],
  done: () => void,
): () => void {
  const { level, keepAlive, login } = parts.options;
  const finish = (): void => {
    connection.stop((client) => client.disconnect());
    done();
  };
  const nothing = (): void => {};
  const owner: UpstreamOwner = {
    clientId,
    connectOptions: () => ({
      level,
      clientId,
      keepAlive,
      cleanSession: true,
      ...login(clientId, ""),
    }),
    connected: finish,
    failed: ({ text }) => {
      const session = `the session of ${JSON.stringify(clientId)}`;
      parts.log.notice(`upstream ${parts.options.name}: ${session} is left behind there: ${text}`);
      finish();
    },
    message: nothing,
    released: nothing,
    received: nothing,
    acknowledged: nothing,
    subscribed: nothing,
    unsubscribed: nothing,
    drained: nothing,
  };
  const connection = new UpstreamConnection(parts, owner, reachability);
  connection.start();
  return () => connection.stop((client) => client.disconnect());
}
