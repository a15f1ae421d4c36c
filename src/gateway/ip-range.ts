/** IP addresses and ranges of them, as `192.168.7.0/24` and `fd00::/8` write them. */

/** The parts of an address from the left: 4 octets, or 8 groups of 16 bits. */
export type IpAddress = readonly number[];

export interface IpRange {
  readonly address: IpAddress;
  /** How many bits from the left must be the same. */
  readonly bits: number;
}

/** Undefined where the text is no IP address. An IPv4 address within IPv6 is that IPv4 address. */
export function parseIp(text: string): IpAddress | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text);
  if (mapped !== null) return parseIpv4(mapped[1] as string);
  return parseIpv6(text);
}

/** An address, or one with the length of its prefix after a slash; undefined where it is neither. */
export function parseRange(text: string): IpRange | undefined {
  const [before = "", digits, ...more] = text.split("/");
  const address = parseIp(before);
  if (address === undefined || more.length > 0) return undefined;
  const most = widthOf(address) * address.length;
  if (digits === undefined) return { address, bits: most };
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > most) return undefined;
  return { address, bits: Number(digits) };
}

export function inRange({ address, bits }: IpRange, ip: IpAddress): boolean {
  if (ip.length !== address.length) return false;
  const width = widthOf(ip);
  let left = bits;
  for (const [index, part] of address.entries()) {
    if (left <= 0) return true;
    const shift = Math.max(0, width - left);
    if (part >> shift !== (ip[index] as number) >> shift) return false;
    left -= width;
  }
  return true;
}

function widthOf(address: IpAddress): number {
  return address.length === 4 ? 8 : 16;
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  // A leading zero is octal to some, and to others nothing.
  const valid = parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part));
  const numbers = parts.map(Number);
  return valid && numbers.every((number) => number <= 255) ? numbers : undefined;
}

function parseIpv6(text: string): IpAddress | undefined {
  const [head = "", tail, ...more] = (text.split("%")[0] as string).split("::");
  if (more.length > 0) return undefined;
  const first = groupsOf(head);
  const last = tail === undefined ? [] : groupsOf(tail);
  if (first === undefined || last === undefined) return undefined;
  const missing = 8 - first.length - last.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...first, ...new Array<number>(missing).fill(0), ...last];
}

function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}
