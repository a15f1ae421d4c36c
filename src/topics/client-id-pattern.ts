/** Patterns of ClientIds: `*` stands for any characters, none included, and all else for itself. */

/** Whether a text is a pattern, and not the one ClientId that it spells. */
export function isPattern(text: string): boolean {
  return text.includes("*");
}

/** Takes time of at most one length by the other, as whoever connects chooses the ClientId. */
export function matchesClientId(pattern: string, clientId: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return first === clientId;
  const end = clientId.length - last.length;
  if (end < first.length || !clientId.startsWith(first) || !clientId.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = clientId.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** How much a pattern says: of two that cover one ClientId, the one that says more goes first. */
export function weightOf(pattern: string): number {
  return isPattern(pattern) ? pattern.replaceAll("*", "").length : Number.POSITIVE_INFINITY;
}

/** Whether some ClientId is covered by both. Takes time by the product of their lengths. */
export function patternsMeet(one: string, other: string): boolean {
  // meets[j]: what is left of `one`, and what is left of `other` from j on, cover one text.
  let meets: boolean[] = [];
  for (let i = one.length; i >= 0; i--) {
    const next = meets;
    meets = new Array<boolean>(other.length + 1).fill(false);
    for (let j = other.length; j >= 0; j--) {
      const a = one[i];
      const b = other[j];
      if (a === undefined && b === undefined) meets[j] = true;
      else if (a === "*" || b === "*") meets[j] = next[j] === true || meets[j + 1] === true;
      else meets[j] = a === b && next[j + 1] === true;
    }
  }
  return meets[0] === true;
}
