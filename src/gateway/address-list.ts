/** Senders by where they are: a link, an IP address or a range of them, or one address of a link. */
import type { LinkAddress } from "../seams/link.ts";
import { type IpRange, inRange, parseIp, parseRange } from "./ip-range.ts";
import { hostOf } from "./sender-host.ts";

export class AddressList {
  /** Names of links, and addresses as logs show them. */
  readonly #names: ReadonlySet<string>;
  readonly #ranges: readonly IpRange[];

  constructor(entries: readonly string[]) {
    this.#names = new Set(entries);
    this.#ranges = entries.flatMap((entry) => parseRange(entry) ?? []);
  }

  includes(link: string, from: LinkAddress): boolean {
    if (this.#names.has(link) || this.#names.has(from.key)) return true;
    if (this.#ranges.length === 0) return false;
    const ip = parseIp(hostOf(from));
    return ip !== undefined && this.#ranges.some((range) => inRange(range, ip));
  }
}
