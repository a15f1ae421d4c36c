/** Topics under `$` that clients do not publish to. */

const BRIDGE_STATE = /^\$SYS\/broker\/connection\/[^/]+\/state$/;

/** Clients do not publish what the broker says of itself, save a bridge whether it is connected. */
export function mayAnyonePublish(topic: string): boolean {
  if (topic.startsWith("$SYS/")) return BRIDGE_STATE.test(topic);
  // Nobody can subscribe to it: such a filter is a shared subscription.
  return !topic.startsWith("$share/");
}

/** A will is published when nobody is there to answer for it: it does not manage the broker. */
export function mayWillPublish(topic: string): boolean {
  return mayAnyonePublish(topic) && !topic.startsWith("$CONTROL/");
}
