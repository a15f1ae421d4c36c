/** All subscriptions as lines of text, for whoever looks for a fault. */
import type { Broker } from "./broker.ts";

/** `FILTER: CLIENT (QoS 1), CLIENT (QoS 0, away)`, in the order of the filters. */
export function* describeSubscriptions({ sessions }: Broker): Generator<string> {
  const byFilter = new Map<string, string[]>();
  for (const session of sessions.values()) {
    const away = session.peer === undefined ? ", away" : "";
    for (const [filter, { qos }] of session.subscriptions) {
      const who = `${session.clientId} (QoS ${qos}${away})`;
      const clients = byFilter.get(filter);
      if (clients === undefined) byFilter.set(filter, [who]);
      else clients.push(who);
    }
  }
  yield `${byFilter.size} topic filters are subscribed to by ${sessions.size} sessions:`;
  for (const filter of [...byFilter.keys()].sort()) {
    yield `  ${filter}: ${byFilter.get(filter)?.join(", ")}`;
  }
}
