/** Whether strings are topic names and topic filters [MQTT-4.7]. */

export const LONGEST_TOPIC = 65535;

/** A topic name: not empty, no wildcard [MQTT-4.7.1-1, MQTT-4.7.3-1], at most `levels` levels. */
export function isTopicName(name: string, levels: number): boolean {
  if (name.length === 0) return false;
  let separators = 0;
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code === 0x23 || code === 0x2b) return false;
    if (code === 0x2f) separators++;
  }
  return separators < levels;
}

/**
 * A topic filter: `#` only as the whole last level, `+` only as a whole level [MQTT-4.7.1-2,
 * MQTT-4.7.1-3], at most `levels` levels.
 */
export function isTopicFilter(filter: string, levels: number): boolean {
  const { length } = filter;
  if (length === 0) return false;
  let separators = 0;
  for (let at = 0; at < length; at++) {
    const code = filter.charCodeAt(at);
    if (code === 0x2f) {
      separators++;
    } else if (code === 0x23 || code === 0x2b) {
      if (at > 0 && filter.charCodeAt(at - 1) !== 0x2f) return false;
      const last = at === length - 1;
      if (code === 0x23 ? !last : !last && filter.charCodeAt(at + 1) !== 0x2f) return false;
    }
  }
  return separators < levels;
}

/** Whether the filter holds a wildcard. */
export function hasWildcard(filter: string): boolean {
  return filter.includes("+") || filter.includes("#");
}

/**
 * Whether a filter matches a name, without any tree [MQTT-4.7.1, MQTT-4.7.2-1]. Both are valid.
 */
export function filterMatches(filter: string, name: string): boolean {
  const first = filter.charCodeAt(0);
  if (name.charCodeAt(0) === 0x24 && (first === 0x23 || first === 0x2b)) return false;
  const wanted = filter.split("/");
  const given = name.split("/");
  for (let level = 0; level < wanted.length; level++) {
    const want = wanted[level];
    if (want === "#") return true;
    const have = given[level];
    if (have === undefined || (want !== "+" && want !== have)) return false;
  }
  return wanted.length === given.length;
}
