/**
 * The PROXY protocol's header, versions 1 and 2, by which a load balancer tells whose connection it
 * passes on. Read as it comes in, within a fixed bound.
 */
import { isIPv4, isIPv6 } from "node:net";
import { ByteReader } from "../bytes/byte-reader.ts";
import { crc32c } from "../bytes/crc32c.ts";
import { bareAddress } from "../sockets/peer-info.ts";

/** What the load balancer says of the TLS connection that it ended. */
export interface ProxyTls {
  readonly version: string | undefined;
  readonly cipher: string | undefined;
  /** The client showed a certificate, now or when the session began, and it was verified. */
  readonly certificateVerified: boolean;
  /** The common name in it. */
  readonly commonName: string | undefined;
}

export interface ProxiedPeer {
  /** IP address; undefined for a client of the load balancer's Unix socket. */
  readonly address: string | undefined;
  readonly port: number;
  readonly tls: ProxyTls | undefined;
}

/** The load balancer speaks for itself, as its health checks do: its own address counts. */
export const LOCAL = "local";

export type ProxyHeader = ProxiedPeer | typeof LOCAL;

export interface ProxyFault {
  readonly fault: string;
}

/** A whole header, and what follows it. */
export interface ProxyResult {
  readonly header: ProxyHeader;
  readonly rest: Uint8Array;
}

/** The longest line of version 1, its end included, bytes. */
const LONGEST_LINE = 107;
/** The fixed part of version 2, bytes. */
const FIXED_PART = 16;
/** The longest variable part of version 2 that is taken, bytes. */
const LONGEST_VARIABLE_PART = 4096;

const LINE_START = Uint8Array.from("PROXY ", (character) => character.charCodeAt(0));
const SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);
const LINE_FEED = 10;
const NO_BYTES = new Uint8Array(0);

export class ProxyHeaderReader {
  readonly #version: 1 | 2;
  #bytes = NO_BYTES;

  constructor(version: 1 | 2) {
    this.#version = version;
  }

  /** Takes bytes in, which may be reused. Answers undefined as long as more are needed. */
  feed(bytes: Uint8Array): ProxyResult | ProxyFault | undefined {
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes = all;
    return this.#version === 1 ? readLine(all) : readBinary(all);
  }
}

function readLine(bytes: Uint8Array): ProxyResult | ProxyFault | undefined {
  if (!beginsLike(bytes, LINE_START)) return { fault: "it does not begin with PROXY" };
  const end = bytes.subarray(0, LONGEST_LINE).indexOf(LINE_FEED);
  if (end < 0) {
    return bytes.length < LONGEST_LINE ? undefined : { fault: "its line is too long" };
  }
  const line = String.fromCharCode(...bytes.subarray(0, end));
  const header = line.endsWith("\r") ? parseLine(line.slice(0, -1)) : undefined;
  if (header === undefined) return { fault: "its line is malformed" };
  return { header, rest: bytes.subarray(end + 1) };
}

const PORT = /^(?:0|[1-9]\d{0,4})$/;

function parseLine(line: string): ProxyHeader | undefined {
  // What follows UNKNOWN is to be ignored.
  if (line === "PROXY UNKNOWN" || line.startsWith("PROXY UNKNOWN ")) return LOCAL;
  const [, family, source = "", destination = "", from = "", to = "", ...more] = line.split(" ");
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isPlainIPv6 : undefined;
  if (isAddress === undefined || more.length > 0) return undefined;
  if (!isAddress(source) || !isAddress(destination)) return undefined;
  if (!PORT.test(from) || !PORT.test(to) || Number(from) > 65_535 || Number(to) > 65_535) {
    return undefined;
  }
  const address = family === "TCP4" ? source : canonicalIPv6(source);
  return { address, port: Number(from), tls: undefined };
}

/** Without the name of a network interface. */
function isPlainIPv6(address: string): boolean {
  return isIPv6(address) && !address.includes("%");
}

function readBinary(bytes: Uint8Array): ProxyResult | ProxyFault | undefined {
  if (!beginsLike(bytes, SIGNATURE)) return { fault: "it does not begin with the signature" };
  if (bytes.length < FIXED_PART) return undefined;
  const reader = new ByteReader(bytes, SIGNATURE.length, FIXED_PART);
  const command = reader.u8();
  const family = reader.u8();
  const length = reader.u16();
  if (command !== 0x20 && command !== 0x21) return { fault: "its version or command is unknown" };
  if (length > LONGEST_VARIABLE_PART) return { fault: "it is too long" };
  if (bytes.length < FIXED_PART + length) return undefined;
  const whole = bytes.subarray(0, FIXED_PART + length);
  const rest = bytes.subarray(FIXED_PART + length);
  if (command === 0x20) return { header: LOCAL, rest };
  const header = parseProxied(family, whole);
  return "fault" in header ? header : { header: header.peer, rest };
}

function parseProxied(
  family: number,
  whole: Uint8Array,
): { readonly peer: ProxyHeader } | ProxyFault {
  const reader = new ByteReader(whole, FIXED_PART);
  let address: string | undefined;
  let port = 0;
  switch (family) {
    case 0x00: // unknown: the addresses, if any, are to be ignored
      return { peer: LOCAL };
    case 0x11:
      address = reader.raw(4).join(".");
      reader.raw(4);
      port = reader.u16();
      reader.raw(2);
      break;
    case 0x21:
      address = textOfIPv6(reader.raw(16));
      reader.raw(16);
      port = reader.u16();
      reader.raw(2);
      break;
    case 0x31:
      reader.raw(216);
      break;
    default:
      return { fault: "its address family is not that of a stream" };
  }
  if (reader.overrun) return { fault: "its addresses are cut off" };
  const tls = readExtensions(reader, whole);
  return tls !== undefined && "fault" in tls ? tls : { peer: { address, port, tls } };
}

const Extension = { crc32c: 0x03, tls: 0x20 } as const;
const TlsExtension = { version: 0x21, commonName: 0x22, cipher: 0x23 } as const;
const TLS_TEXTS: ReadonlySet<number> = new Set(Object.values(TlsExtension));
/** Flags of the TLS extension. */
const TLS_USED = 0x01;
const CERTIFICATE_SHOWN = 0x02 | 0x04;

/** The type-length-value fields behind the addresses. */
function readExtensions(reader: ByteReader, whole: Uint8Array): ProxyTls | ProxyFault | undefined {
  let tls: ProxyTls | undefined;
  let seen = false;
  while (reader.remaining > 0) {
    const type = reader.u8();
    const length = reader.u16();
    const at = reader.position;
    const value = reader.raw(length);
    if (reader.overrun) return { fault: "an extension is cut off" };
    if (type === Extension.crc32c && !hasChecksum(whole, at, length)) {
      return { fault: "its checksum is wrong" };
    }
    if (type !== Extension.tls) continue;
    const read = seen ? undefined : readTls(value);
    if (read === undefined) return { fault: "its TLS extension is malformed" };
    seen = true;
    if (read !== "none") tls = read;
  }
  return tls;
}

/** The checksum at `at` is that of the header with zeros in its place. */
function hasChecksum(whole: Uint8Array, at: number, length: number): boolean {
  if (length !== 4) return false;
  const expected = new ByteReader(whole, at).u32();
  const blank = whole.slice();
  blank.fill(0, at, at + length);
  return crc32c(blank) === expected;
}

function readTls(value: Uint8Array): ProxyTls | "none" | undefined {
  const reader = new ByteReader(value);
  const client = reader.u8();
  const verify = reader.u32();
  const texts = new Map<number, string>();
  while (reader.remaining > 0) {
    const type = reader.u8();
    const length = reader.u16();
    if (!TLS_TEXTS.has(type)) reader.raw(length);
    else if (texts.has(type)) return undefined;
    else texts.set(type, reader.text(length));
  }
  if (reader.overrun || reader.badText) return undefined;
  if ((client & TLS_USED) === 0) return "none";
  return {
    version: texts.get(TlsExtension.version),
    cipher: texts.get(TlsExtension.cipher),
    certificateVerified: (client & CERTIFICATE_SHOWN) !== 0 && verify === 0,
    commonName: texts.get(TlsExtension.commonName),
  };
}

/** As far as there are bytes, they are those of `start`. */
function beginsLike(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  for (let at = 0; at < length; at++) if (bytes[at] !== start[at]) return false;
  return true;
}

function textOfIPv6(bytes: Uint8Array): string {
  const reader = new ByteReader(bytes);
  const mapped = bytes.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
  if (mapped) return bytes.subarray(12).join(".");
  const groups = Array.from({ length: 8 }, () => reader.u16().toString(16));
  return canonicalIPv6(groups.join(":"));
}

/** One way to write each address (RFC 5952), so that equal ones are counted as one. */
function canonicalIPv6(address: string): string {
  const bare = bareAddress(address.toLowerCase());
  if (isIPv4(bare)) return bare;
  return URL.parse(`http://[${bare}]`)?.hostname.slice(1, -1) ?? bare;
}
