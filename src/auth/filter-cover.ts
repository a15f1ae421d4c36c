/** Whether a topic filter lies wholly within another, level by level as Mosquitto compares them. */

/**
 * Whether everything that `inner` asks for is within `outer`: `a/#` covers `a`, `a/b` and `a/+/#`;
 * `+` covers any single level but not `#`. A filter that begins with `$` is covered only by one that
 * does, too.
 */
export function covers(outer: string, inner: string): boolean {
  if (outer.startsWith("$") !== inner.startsWith("$")) return false;
  const wide = outer.split("/");
  const narrow = inner.split("/");
  for (let level = 0; level < wide.length; level++) {
    const allowed = wide[level];
    if (allowed === "#") return true;
    const asked = narrow[level];
    if (asked === undefined || asked === "#") return false;
    if (allowed !== "+" && allowed !== asked) return false;
  }
  return wide.length === narrow.length;
}
