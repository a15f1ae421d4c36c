/** `%c` and `%u` in access rules: levels that stand for the client id and the user name. */

export interface Identity {
  readonly clientId: string;
  readonly username: string | undefined;
}

const PLACEHOLDER = /(?:^|\/)%[cu](?=\/|$)/;
const WILDCARD = /[+#]/;

/** Whether the filter has `%c` or `%u` as a whole level: nothing else is replaced. */
export function hasPlaceholder(filter: string): boolean {
  return PLACEHOLDER.test(filter);
}

/** Whether what a rule with this filter says depends on the client id. */
export function dependsOnClientId(filter: string): boolean {
  return /(?:^|\/)%c(?=\/|$)/.test(filter);
}

/** Whether a name could be taken for a wildcard where it is put into a filter (CVE-2017-7650). */
export function isDangerous(name: string | undefined): boolean {
  return name !== undefined && WILDCARD.test(name);
}

/**
 * The filter with the names put in; undefined where it cannot match: without the name that it needs,
 * and where the name holds `+` or `#`. A name with `/` would reach into the places of others, so that
 * it never matches what allows; what denies it matches as it stands. Nor does a name that begins with
 * `$` make a filter one over `$` topics.
 */
export function fillIn(
  filter: string,
  { clientId, username }: Identity,
  allow: boolean,
): string | undefined {
  if (!hasPlaceholder(filter)) return filter;
  const levels: string[] = [];
  for (const level of filter.split("/")) {
    if (level !== "%c" && level !== "%u") {
      levels.push(level);
      continue;
    }
    const name = level === "%c" ? clientId : username;
    if (name === undefined || name === "" || isDangerous(name)) return undefined;
    if (allow && name.includes("/")) return undefined;
    if (levels.length === 0 && name.startsWith("$")) return undefined;
    levels.push(name);
  }
  return levels.join("/");
}
