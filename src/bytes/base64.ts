/** Base64 (RFC 4648 §4), with and without padding. */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES: ReadonlyMap<number, number> = new Map(
  Array.from(DIGITS, (digit, value) => [digit.charCodeAt(0), value]),
);

/** `padded` false leaves the "=" at the end away. */
export function encodeBase64(bytes: Uint8Array, padded = true): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group =
      ((bytes[at] as number) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += DIGITS.charAt(group >> 18) + DIGITS.charAt((group >> 12) & 63);
    if (left > 1) text += DIGITS.charAt((group >> 6) & 63);
    if (left > 2) text += DIGITS.charAt(group & 63);
    if (left < 3 && padded) text += left === 1 ? "==" : "=";
  }
  return text;
}

/** The bytes, or undefined where the text is not base64. Padding may be missing, but not be wrong. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (padding > 0 && text.length % 4 !== 0) return undefined;
  const digits = text.length - padding;
  if (digits % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((digits * 3) / 4));
  let group = 0;
  let filled = 0;
  for (let at = 0; at < digits; at++) {
    const value = VALUES.get(text.charCodeAt(at));
    if (value === undefined) return undefined;
    group = (group << 6) | value;
    if (at % 4 === 3) {
      bytes[filled++] = group >> 16;
      bytes[filled++] = group >> 8;
      bytes[filled++] = group;
      group = 0;
    }
  }
  // What a whole group would hold beyond the last byte is nothing.
  if (digits % 4 === 2) bytes[filled] = group >> 4;
  if (digits % 4 === 3) {
    bytes[filled] = group >> 10;
    bytes[filled + 1] = group >> 2;
  }
  return bytes;
}
