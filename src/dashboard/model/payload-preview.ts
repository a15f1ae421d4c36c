/** What a payload looks like to a person: a number, text, the fields of a JSON object, or bytes. */
import { markHidden, visibleText } from "./visible-text.ts";

export interface Field {
  /** The name as it is in the object. */
  readonly key: string;
  readonly name: string;
  readonly value: string;
}

export type Preview =
  | { readonly kind: "empty" }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "fields"; readonly fields: readonly Field[]; readonly more: number }
  | { readonly kind: "binary"; readonly hex: string; readonly length: number };

/** Longest text shown in a row, characters. */
const LONGEST_TEXT = 160;
const LONGEST_FIELD = 40;
const MOST_FIELDS = 6;
const MOST_HEX_BYTES = 16;

const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: other controls than tab and line ends mean binary
const BINARY_CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * The payload's text, or undefined if it is not text. `kept` is the payload or its beginning;
 * `length` is the payload's own, bytes.
 */
export function payloadText(kept: Uint8Array, length: number): string | undefined {
  try {
    // A character that was cut in two at the end of what is kept is no sign of binary data.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(kept, {
      stream: kept.length < length,
    });
    return BINARY_CONTROLS.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** One line's worth of a payload. `kept` is the payload or its beginning; `length` is the payload's own, bytes. */
export function previewPayload(kept: Uint8Array, length: number): Preview {
  if (length === 0) return { kind: "empty" };
  const text = payloadText(kept, length);
  if (text === undefined)
    return { kind: "binary", hex: hexOf(kept.subarray(0, MOST_HEX_BYTES)), length };
  if (length <= 40 && NUMBER.test(text)) return { kind: "number", text: text.trim() };
  if (kept.length === length && /^\s*[{[]/.test(text)) {
    const parsed = parseJson(text);
    if (parsed !== undefined) return previewJson(parsed);
  }
  return { kind: "text", text: visibleText(text.trim().replace(/\s+/g, " "), LONGEST_TEXT) };
}

/** The whole of what is kept, over several lines: JSON indented, text as it is, bytes in hexadecimal. */
export function expandPayload(kept: Uint8Array, length: number): string {
  const text = payloadText(kept, length);
  if (text === undefined) return hexLines(kept);
  const parsed = kept.length === length ? parseJson(text) : undefined;
  const shown = typeof parsed === "object" ? JSON.stringify(parsed, null, 2) : text;
  return shown
    .split(/\r?\n/)
    .map((line) => markHidden(line.replaceAll("\t", "    ")))
    .join("\n");
}

function parseJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function previewJson(value: object): Preview {
  if (Array.isArray(value)) return { kind: "text", text: summarise(value, LONGEST_TEXT) };
  const entries = Object.entries(value);
  if (entries.length === 0) return { kind: "text", text: "{ }" };
  return {
    kind: "fields",
    fields: entries.slice(0, MOST_FIELDS).map(([name, field]) => ({
      key: name,
      name: visibleText(name, LONGEST_FIELD),
      value: summarise(field, LONGEST_FIELD),
    })),
    more: Math.max(0, entries.length - MOST_FIELDS),
  };
}

/** A JSON value in few characters; objects inside are counted, not shown. */
function summarise(value: unknown, longest: number): string {
  if (Array.isArray(value)) {
    const flat = value.every((item) => typeof item !== "object" || item === null);
    if (!flat) return `[${value.length} items]`;
    return visibleText(
      `[${value.slice(0, 16).map(String).join(", ")}${value.length > 16 ? ", …" : ""}]`,
      longest,
    );
  }
  if (typeof value === "object" && value !== null) {
    const count = Object.keys(value).length;
    return count === 1 ? "{1 field}" : `{${count} fields}`;
  }
  return visibleText(String(value), longest);
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

function hexLines(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16)
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hexOf(bytes.subarray(at, at + 16))}`);
  return lines.join("\n");
}
