/** Headers of the PROXY protocol, version 2, as a load balancer writes them. */
import { isIPv4 } from "node:net";
import { crc32c } from "../../src/bytes/crc32c.ts";

const SIGNATURE = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10];

export interface ProxyV2 {
  /** 0x21 is PROXY, 0x20 is LOCAL. */
  readonly command?: number;
  readonly family?: number;
  readonly source?: string;
  readonly port?: number;
  readonly extensions?: readonly (readonly number[])[];
}

export function proxyV2(header: ProxyV2 = {}): Buffer {
  const { command = 0x21, source = "192.0.2.5", port = 6275, extensions = [] } = header;
  const family = header.family ?? (isIPv4(source) ? 0x11 : 0x21);
  const addresses = family === 0x00 ? [] : addressBytes(family, source, port);
  const variable = [...addresses, ...extensions.flat()];
  return Buffer.from([...SIGNATURE, command, family, ...u16(variable.length), ...variable]);
}

function addressBytes(family: number, source: string, port: number): number[] {
  if (family === 0x31) return Array.from({ length: 216 }, (_, at) => (at === 0 ? 0x2f : 0));
  const address = isIPv4(source) ? source.split(".").map(Number) : groupsOf(source);
  return [...address, ...address.map(() => 1), ...u16(port), ...u16(1883)];
}

/** Of an IPv6 address with all its groups. */
function groupsOf(address: string): number[] {
  return address.split(":").flatMap((group) => u16(Number.parseInt(group, 16)));
}

/** One type-length-value field. */
export function extension(type: number, value: readonly number[]): number[] {
  return [type, ...u16(value.length), ...value];
}

export interface ProxyTlsFields {
  readonly client?: number;
  readonly verify?: number;
  readonly fields?: readonly (readonly number[])[];
}

/** The extension about TLS: flags, the outcome of verifying, and fields of its own. */
export function tlsExtension({ client = 0x07, verify = 0, fields = [] }: ProxyTlsFields = {}) {
  return extension(0x20, [client, 0, 0, ...u16(verify), ...fields.flat()]);
}

export function textField(type: number, text: string): number[] {
  return extension(type, [...Buffer.from(text)]);
}

/** The same header with its checksum, which is made an extension of it. */
export function withChecksum(header: ProxyV2, damage = 0): Buffer {
  const blank = extension(0x03, [0, 0, 0, 0]);
  const bytes = proxyV2({ ...header, extensions: [...(header.extensions ?? []), blank] });
  bytes.writeUInt32BE((crc32c(bytes) ^ damage) >>> 0, bytes.length - 4);
  return bytes;
}

function u16(value: number): number[] {
  return [value >> 8, value & 255];
}
