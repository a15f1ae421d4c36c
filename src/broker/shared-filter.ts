/** The form of shared subscriptions: `$share/GROUP/FILTER` (MQTT 5.0 §4.8.2). */

export interface SharedFilter {
  readonly group: string;
  readonly filter: string;
}

const PREFIX = "$share/";

/** Undefined for a plain filter; "invalid" where the group is empty or holds a wildcard [MQTT-4.8.2-1, -2]. */
export function sharedFilter(filter: string): SharedFilter | "invalid" | undefined {
  if (!filter.startsWith(PREFIX) && filter !== "$share") return undefined;
  const end = filter.indexOf("/", PREFIX.length);
  if (end < 0) return "invalid";
  const group = filter.slice(PREFIX.length, end);
  const rest = filter.slice(end + 1);
  return group === "" || /[+#]/.test(group) || rest === "" ? "invalid" : { group, filter: rest };
}
