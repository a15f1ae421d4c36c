/** A listener's mount point: what stands before every topic of its clients. */
import { utf8Length } from "../bytes/utf8.ts";
import { LONGEST_TOPIC } from "../topics/names.ts";

/** The topic as the broker knows it; undefined if that is too long for a packet [MQTT-4.7.3-3]. */
export function mountTopic(mountPoint: string, topic: string): string | undefined {
  if (mountPoint === "") return topic;
  const mounted = mountPoint + topic;
  return utf8Length(mounted) > LONGEST_TOPIC ? undefined : mounted;
}

/** The filter as the broker knows it; the prefix of a shared subscription stays in front. */
export function mountFilter(mountPoint: string, filter: string): string {
  if (mountPoint === "") return filter;
  const shared = /^\$share\/[^/]*\//.exec(filter)?.[0] ?? "";
  return shared + mountPoint + filter.slice(shared.length);
}

/** The topic as the client knows it; undefined if it is not below the mount point. */
export function unmountTopic(mountPoint: string, topic: string): string | undefined {
  if (mountPoint === "") return topic;
  return topic.startsWith(mountPoint) ? topic.slice(mountPoint.length) : undefined;
}
