/** What stands for a sender where it is counted: what it cannot change at will. */
import type { LinkAddress } from "../seams/link.ts";
import { ForwardedAddress } from "./forwarder.ts";

/** The IP address without the port; behind a forwarder the forwarder's; else the whole address. */
export function hostOf(from: LinkAddress): string {
  const outer = from instanceof ForwardedAddress ? from.forwarder : from;
  return outer.host ?? outer.key;
}

/** The same of an address of which only the key is known. */
export function hostOfKey(key: string): string {
  const [outer = ""] = key.split(">", 1);
  const place = /^(?:\[(.+)\]|([^:]+)):\d+$/.exec(outer);
  return place?.[1] ?? place?.[2] ?? outer;
}
