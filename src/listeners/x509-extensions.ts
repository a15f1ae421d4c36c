/** What a certificate says of its own use (RFC 5280 §4.2): purposes, path lengths, and what is critical. */
import { certificateFields, childrenOf, type Element, oidText } from "./der.ts";

export interface CertificateUse {
  /** Object identifier of the algorithm that it is signed by. */
  readonly signedBy: string;
  /** The key usage bits that are set, by number (0 is digitalSignature); undefined is any use. */
  readonly keyUsage: ReadonlySet<number> | undefined;
  /** Object identifiers of the extended key usage; undefined is any use. */
  readonly purposes: ReadonlySet<string> | undefined;
  /** How many CAs may stand between this one and the last certificate; undefined is any number. */
  readonly pathLength: number | undefined;
  /** It restricts what it signs, or means something, in a way that is not looked at here. */
  readonly hasUnknownLimits: boolean;
}

const KEY_USAGE = "2.5.29.15";
const BASIC_CONSTRAINTS = "2.5.29.19";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const ALTERNATIVE_NAME = "2.5.29.17";
const UNDERSTOOD: ReadonlySet<string> = new Set([
  KEY_USAGE,
  BASIC_CONSTRAINTS,
  EXTENDED_KEY_USAGE,
  ALTERNATIVE_NAME,
]);
/** Name constraints, policy constraints and inhibitAnyPolicy bind whoever verifies, critical or not. */
const BINDING: ReadonlySet<string> = new Set(["2.5.29.30", "2.5.29.36", "2.5.29.54"]);

const Tag = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, identifier: 0x06 } as const;

/** Of a DER certificate; undefined where it is malformed. */
export function useOf(certificate: Uint8Array): CertificateUse | undefined {
  const fields = certificateFields(certificate);
  const [algorithm] = childrenOf(certificate, fields?.signature) ?? [];
  if (fields === undefined || algorithm?.tag !== Tag.identifier) return undefined;
  const extensions = readExtensions(certificate, fields.extensions);
  if (extensions === undefined) return undefined;
  const found = (oid: string): Extension | undefined => extensions.find((one) => one.oid === oid);
  const keyUsage = bitsIn(found(KEY_USAGE)?.value);
  const purposes = identifiersIn(found(EXTENDED_KEY_USAGE)?.value);
  const pathLength = pathLengthIn(found(BASIC_CONSTRAINTS)?.value);
  if (keyUsage === "malformed" || purposes === "malformed" || pathLength === "malformed") {
    return undefined;
  }
  const hasUnknownLimits = extensions.some(
    ({ oid, critical }) => BINDING.has(oid) || (critical && !UNDERSTOOD.has(oid)),
  );
  const signedBy = oidText(certificate.subarray(algorithm.start, algorithm.end));
  return { signedBy, keyUsage, purposes, pathLength, hasUnknownLimits };
}

interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER of its own. */
  readonly value: Uint8Array;
}

function readExtensions(
  bytes: Uint8Array,
  list: Element | undefined,
): readonly Extension[] | undefined {
  if (list === undefined) return [];
  const extensions: Extension[] = [];
  for (const element of childrenOf(bytes, list) ?? []) {
    const parts = childrenOf(bytes, element) ?? [];
    const [type] = parts;
    const value = parts.at(-1);
    if (type?.tag !== Tag.identifier || value?.tag !== Tag.octets) return undefined;
    const flag = parts.length === 3 ? parts[1] : undefined;
    if (flag !== undefined && flag.tag !== Tag.boolean) return undefined;
    const oid = oidText(bytes.subarray(type.start, type.end));
    // Which of two would count is not agreed upon (RFC 5280 §4.2).
    if (parts.length > 3 || extensions.some((one) => one.oid === oid)) return undefined;
    extensions.push({
      oid,
      critical: flag !== undefined && bytes[flag.start] !== 0,
      value: bytes.subarray(value.start, value.end),
    });
  }
  return extensions;
}

type Read<Value> = Value | undefined | "malformed";

/** The one element that these bytes are. */
function wholeOf(bytes: Uint8Array): Element | undefined {
  const parent = { tag: 0x30, from: 0, start: 0, end: bytes.length };
  const elements = childrenOf(bytes, parent);
  return elements?.length === 1 ? elements[0] : undefined;
}

function bitsIn(value: Uint8Array | undefined): Read<ReadonlySet<number>> {
  if (value === undefined) return undefined;
  const whole = wholeOf(value);
  if (whole?.tag !== Tag.bits || whole.end - whole.start < 1) return "malformed";
  const bits = new Set<number>();
  // The first byte counts the bits at the end that mean nothing.
  for (const [index, byte] of value.subarray(whole.start + 1, whole.end).entries()) {
    for (let bit = 0; bit < 8; bit++) if (byte & (0x80 >> bit)) bits.add(index * 8 + bit);
  }
  return bits;
}

function identifiersIn(value: Uint8Array | undefined): Read<ReadonlySet<string>> {
  if (value === undefined) return undefined;
  const elements = childrenOf(value, wholeOf(value));
  if (elements === undefined) return "malformed";
  const identifiers = new Set<string>();
  for (const { tag, start, end } of elements) {
    if (tag !== Tag.identifier) return "malformed";
    identifiers.add(oidText(value.subarray(start, end)));
  }
  return identifiers;
}

function pathLengthIn(value: Uint8Array | undefined): Read<number> {
  if (value === undefined) return undefined;
  const elements = childrenOf(value, wholeOf(value));
  if (elements === undefined) return "malformed";
  const length = elements.find(({ tag }) => tag === Tag.integer);
  if (length === undefined) return undefined;
  const digits = value.subarray(length.start, length.end);
  // A longer path than one byte counts is no limit to any that is verified here.
  return digits.length === 1 && (digits[0] as number) < 0x80 ? digits[0] : "malformed";
}
