/** Reads DER (X.690) as far as certificates need it: elements within elements, of bounded size. */

/** One element of DER: its bytes are [from, end), its content [start, end). */
export interface Element {
  readonly tag: number;
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

function elementAt(bytes: Uint8Array, from: number, limit: number): Element | undefined {
  const tag = bytes[from];
  const first = bytes[from + 1];
  if (tag === undefined || first === undefined || from + 2 > limit) return undefined;
  let start = from + 2;
  let length = first;
  if (first >= 0x80) {
    // Lengths of more than three bytes, or of indefinite form, have no place in a certificate.
    const count = first & 0x7f;
    if (count === 0 || count > 3 || start + count > limit) return undefined;
    length = 0;
    for (let at = 0; at < count; at++) length = length * 256 + (bytes[start + at] as number);
    start += count;
  }
  const end = start + length;
  return end > limit ? undefined : { tag, from, start, end };
}

/** The elements that a constructed one consists of. */
export function childrenOf(bytes: Uint8Array, parent: Element | undefined): Element[] | undefined {
  if (parent === undefined || (parent.tag & 0x20) === 0) return undefined;
  const children: Element[] = [];
  for (let at = parent.start; at < parent.end; ) {
    const child = elementAt(bytes, at, parent.end);
    if (child === undefined) return undefined;
    children.push(child);
    at = child.end;
  }
  return children;
}

/** The parts of a certificate (RFC 5280 §4.1) that are read here; undefined where it is malformed. */
export interface CertificateFields {
  /** By what the certificate is signed. */
  readonly signature: Element;
  readonly subject: Element;
  /** The list of extensions; undefined where there are none. */
  readonly extensions: Element | undefined;
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

export function certificateFields(certificate: Uint8Array): CertificateFields | undefined {
  const whole = elementAt(certificate, 0, certificate.length);
  const [signedPart] = childrenOf(certificate, whole) ?? [];
  const fields = childrenOf(certificate, signedPart);
  if (fields === undefined) return undefined;
  // The version stands first, and only where it is not the first version.
  const from = fields[0]?.tag === VERSION ? 1 : 0;
  const [, signature, , , subject] = fields.slice(from);
  if (signature === undefined || subject === undefined) return undefined;
  const wrapped = fields.find(({ tag }) => tag === EXTENSIONS);
  const [extensions] = childrenOf(certificate, wrapped) ?? [];
  return { signature, subject, extensions };
}

/** An object identifier in dotted form, from the content of its element. */
export function oidText(bytes: Uint8Array): string {
  const parts: number[] = [];
  let part = 0;
  for (const byte of bytes) {
    part = part * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      parts.push(part);
      part = 0;
    }
  }
  const [first = 0, ...others] = parts;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...others].join(".");
}
