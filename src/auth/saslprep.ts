/**
 * SASLprep (RFC 4013): names and passwords that look alike are alike. Without the rules on
 * bidirectional text and on unassigned code points, which need tables that Unicode has outgrown.
 */

/** RFC 3454 B.1 and C.1.2: what is left out, and what becomes a space. */
const TO_NOTHING =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: these are code points, not what is shown
  /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/gu;
const TO_SPACE = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** RFC 3454 C.2 to C.9: control characters, private use, what is no text or changes how text is shown. */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u2028\u2029\u2061-\u2063\u206a-\u206f\ufff9-\ufffd\u2ff0-\u2ffb\u200e\u200f\u202a-\u202e\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/** The prepared text; undefined where there is nothing left, or something that must not be there. */
export function saslPrep(written: string): string | undefined {
  const mapped = written.replace(TO_SPACE, " ").replace(TO_NOTHING, "").normalize("NFKC");
  return mapped === "" || PROHIBITED.test(mapped) ? undefined : mapped;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A password as SCRAM hashes it: prepared if it is text that can be, else as it is. */
export function preparedPassword(password: Uint8Array): Uint8Array {
  try {
    const prepared = saslPrep(decoder.decode(password));
    return prepared === undefined ? password : new TextEncoder().encode(prepared);
  } catch {
    return password;
  }
}
