/** UTF-8 as MQTT allows it [MQTT-1.5.3-1, MQTT-1.5.3-2, MQTT-1.5.3-3]. */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const SHORT_TEXT = 32;

// The specification lets a receiver close on control characters and non-characters; Mosquitto does.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef]|\p{Noncharacter_Code_Point}/u;

/**
 * The string in `bytes[start, end)`, or undefined where it is ill-formed or holds NUL, another
 * control character, a surrogate or a non-character.
 */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= SHORT_TEXT) {
    let value = "";
    let at = start;
    for (; at < end; at++) {
      const code = bytes[at] as number;
      if (code < 32 || code > 126) break;
      value += String.fromCharCode(code);
    }
    if (at === end) return value;
  }
  let value: string;
  try {
    value = decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
  return FORBIDDEN.test(value) ? undefined : value;
}

/** Whether `value` may stand in an MQTT string field: well-formed and free of forbidden characters. */
export function isMqttText(value: string): boolean {
  return value.isWellFormed() && !FORBIDDEN.test(value);
}

const encoder = new TextEncoder();

/** UTF-8 bytes of a string. */
export function encodeUtf8(value: string): Uint8Array {
  return encoder.encode(value);
}

/** How many bytes a string takes in UTF-8. */
export function utf8Length(value: string): number {
  let count = value.length;
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code < 0x80) continue;
    count += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return count;
}
