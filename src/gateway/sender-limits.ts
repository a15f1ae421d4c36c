/**
 * How fast senders may be: each address, each node, and each node's CONNECTs. What is too much is
 * dropped before any work is done for it.
 */
import type { LinkAddress } from "../seams/link.ts";
import type { Log } from "../seams/log.ts";
import type { Clock } from "../time/clock.ts";
import { parseIp } from "./ip-range.ts";
import type { LinkState } from "./link-state.ts";
import type { GatewayOptions } from "./options.ts";
import { hostOf } from "./sender-host.ts";
import { named, type SnNode } from "./sn-node.ts";
import { FULL, TokenBucket } from "./token-bucket.ts";

/** Addresses remembered are at most twice as many. They may be forged, and new ones must not be locked out. */
const ADDRESSES = 8192;

export class SenderLimits {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #address: TokenBucket;
  readonly #node: TokenBucket;
  readonly #connect: TokenBucket;
  /** When the bucket of an address is full again. Those not asked for go with the older half. */
  #younger = new Map<string, number>();
  #older = new Map<string, number>();

  constructor(clock: Clock, log: Log, options: GatewayOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#address = new TokenBucket(options.addressRate);
    this.#node = new TokenBucket(options.nodeRate);
    this.#connect = new TokenBucket(options.connectRate);
  }

  /** How many addresses are remembered. */
  get addresses(): number {
    return this.#younger.size + this.#older.size;
  }

  /** Whether a frame as it comes from a link may be looked at. */
  allowsAddress(link: LinkState, from: LinkAddress): boolean {
    if (this.#address.unlimited) return true;
    const host = siteOf(hostOf(from));
    const known = this.#younger.get(host) ?? this.#older.get(host) ?? FULL;
    const fullAt = this.#address.take(known, this.#clock.now());
    this.#remember(host, fullAt ?? known);
    if (fullAt !== undefined) return true;
    this.#drop(link, host, `${link.name}/${host}`, "address_rate");
    return false;
  }

  /** Whether a message of the node that is at its address may be looked at. */
  allowsNode(link: LinkState, from: LinkAddress): boolean {
    if (this.#node.unlimited) return true;
    const node = link.nodes.get(from.key);
    if (node === undefined) return true;
    const fullAt = this.#node.take(node.frameBucket, this.#clock.now());
    if (fullAt !== undefined) {
      node.frameBucket = fullAt;
      return true;
    }
    this.#drop(link, from.key, named(node), "node_rate");
    return false;
  }

  /** Whether another CONNECT of the node may be carried out. */
  allowsConnect(link: LinkState, from: LinkAddress, node: SnNode): boolean {
    if (this.#connect.unlimited) return true;
    const fullAt = this.#connect.take(node.connectBucket, this.#clock.now());
    if (fullAt !== undefined) {
      node.connectBucket = fullAt;
      return true;
    }
    this.#drop(link, from.key, `${named(node)} at ${link.name}/${from.key}`, "connect_rate");
    return false;
  }

  #remember(host: string, fullAt: number): void {
    if (this.#younger.size >= ADDRESSES && !this.#younger.has(host)) {
      this.#older = this.#younger;
      this.#younger = new Map();
    }
    this.#younger.set(host, fullAt);
  }

  #drop({ name, counters, complaints }: LinkState, key: string, who: string, limit: string): void {
    counters.throttled++;
    if (!complaints.allow(`${key} ${limit}`)) return;
    this.#log.warn(
      `dropped a frame from ${who}: over ${limit} (${counters.throttled} dropped on ${name} so far)`,
    );
  }
}

/** An IPv6 site has a whole /64 to send from. */
function siteOf(host: string): string {
  if (!host.includes(":")) return host;
  const ip = parseIp(host);
  return ip === undefined || ip.length === 4 ? host : ip.slice(0, 4).join(":");
}
