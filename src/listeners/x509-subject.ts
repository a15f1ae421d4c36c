/**
 * The subject of an X.509 certificate (RFC 5280 §4.1.2.6): its common name, and the whole of it as
 * text. Reads names only, of certificates that TLS has verified already.
 */

import { certificateFields, childrenOf, type Element, oidText } from "./der.ts";

export interface SubjectAttribute {
  /** Object identifier in dotted form. */
  readonly oid: string;
  /** The value as it is encoded, tag and length included. */
  readonly encoded: Uint8Array;
  /** Undefined where the value is no string, or an ill-formed one. */
  readonly text: string | undefined;
}

/** Relative names in the order of the certificate, each of one attribute or, rarely, several. */
export type Subject = readonly (readonly SubjectAttribute[])[];

const COMMON_NAME = "2.5.4.3";

/** The subject of a DER certificate; undefined where it is malformed. */
export function subjectOf(certificate: Uint8Array): Subject | undefined {
  const names = childrenOf(certificate, certificateFields(certificate)?.subject);
  return names === undefined ? undefined : readNames(certificate, names);
}

/** The first common name; undefined where there is none, or where it is no well-formed text. */
export function commonNameOf(subject: Subject): string | undefined {
  return subject.flat().find(({ oid }) => oid === COMMON_NAME)?.text;
}

/** The subject as RFC 2253 writes it, the way OpenSSL does: the last name first, ASCII only. */
export function subjectText(subject: Subject): string {
  return subject
    .toReversed()
    .map((attributes) => attributes.toReversed().map(attributeText).join("+"))
    .join(",");
}

const Tag = {
  objectIdentifier: 0x06,
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  visible: 0x1a,
  universal: 0x1c,
  bmp: 0x1e,
} as const;

function readNames(bytes: Uint8Array, names: readonly Element[]): Subject | undefined {
  const subject: SubjectAttribute[][] = [];
  for (const name of names) {
    const attributes: SubjectAttribute[] = [];
    for (const pair of childrenOf(bytes, name) ?? []) {
      const [type, value] = childrenOf(bytes, pair) ?? [];
      if (type?.tag !== Tag.objectIdentifier || value === undefined) return undefined;
      attributes.push({
        oid: oidText(bytes.subarray(type.start, type.end)),
        encoded: bytes.subarray(value.from, value.end),
        text: stringText(value.tag, bytes.subarray(value.start, value.end)),
      });
    }
    if (attributes.length === 0) return undefined;
    subject.push(attributes);
  }
  return subject;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true });

function stringText(tag: number, bytes: Uint8Array): string | undefined {
  switch (tag) {
    case Tag.numeric:
    case Tag.printable:
    case Tag.teletex:
    case Tag.ia5:
    case Tag.visible:
      // Teletex has had many meanings beyond ASCII; guessing one would let two names look alike.
      return bytes.every((byte) => byte < 0x80) ? decoded(utf8, bytes) : undefined;
    case Tag.utf8:
      return decoded(utf8, bytes);
    case Tag.bmp:
      return decoded(utf16, bytes);
    case Tag.universal:
      return universalText(bytes);
    default:
      return undefined;
  }
}

function decoded(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function universalText(bytes: Uint8Array): string | undefined {
  if (bytes.length % 4 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const code = view.getUint32(at);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    text += String.fromCodePoint(code);
  }
  return text;
}

/** Short names of attributes, as OpenSSL has them. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.3": "mail",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "emailAddress",
  "1.2.840.113549.1.9.2": "unstructuredName",
  "1.2.840.113549.1.9.8": "unstructuredAddress",
  "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
  "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
  "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
  "2.5.4.3": "CN",
  "2.5.4.4": "SN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "street",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.12": "title",
  "2.5.4.13": "description",
  "2.5.4.15": "businessCategory",
  "2.5.4.16": "postalAddress",
  "2.5.4.17": "postalCode",
  "2.5.4.18": "postOfficeBox",
  "2.5.4.19": "physicalDeliveryOfficeName",
  "2.5.4.20": "telephoneNumber",
  "2.5.4.41": "name",
  "2.5.4.42": "GN",
  "2.5.4.43": "initials",
  "2.5.4.44": "generationQualifier",
  "2.5.4.45": "x500UniqueIdentifier",
  "2.5.4.46": "dnQualifier",
  "2.5.4.65": "pseudonym",
  "2.5.4.72": "role",
  "2.5.4.97": "organizationIdentifier",
};

function attributeText({ oid, encoded, text }: SubjectAttribute): string {
  const name = SHORT_NAMES[oid];
  if (name === undefined || text === undefined) return `${name ?? oid}=#${hex(encoded)}`;
  return `${name}=${escaped(text)}`;
}

const encoder = new TextEncoder();

function escaped(text: string): string {
  const bytes = encoder.encode(text);
  let result = "";
  for (const [at, byte] of bytes.entries()) {
    const character = String.fromCharCode(byte);
    const outermost =
      (at === 0 && /[# ]/.test(character)) || (at === bytes.length - 1 && byte === 32);
    if (byte < 32 || byte > 126) result += `\\${hex(Uint8Array.of(byte))}`;
    else if (outermost || /[,+"\\<>;]/.test(character)) result += `\\${character}`;
    else result += character;
  }
  return result;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
}
