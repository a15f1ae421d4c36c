/** The network interface that an address of this machine stands for, and who can be reached by it. */
import { BlockList, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { withoutZone } from "./own-endpoints.ts";

export class Vicinity {
  /** Undefined where no interface has the address. */
  readonly interfaceName: string | undefined;
  readonly #near = new BlockList();
  readonly #far = new BlockList();

  constructor(address: string) {
    const all = Object.entries(networkInterfaces());
    const bare = withoutZone(address);
    const its =
      all.find(([, own]) => own?.some((one) => one.address === bare)) ??
      all.find(([, own]) => own?.some(({ cidr }) => covers(cidr, bare)));
    this.interfaceName = its?.[0];
    for (const [name, addresses] of all) {
      const list = name === this.interfaceName ? this.#near : this.#far;
      for (const { cidr } of addresses ?? []) addNetwork(list, cidr);
    }
  }

  /**
   * Whether the sender may have been heard through the interface: one that lives on the network of
   * another interface was not, though sockets of one multicast group get what comes in by any of
   * them.
   */
  mayHear(sender: string): boolean {
    const zone = sender.indexOf("%");
    if (zone >= 0 && this.interfaceName !== undefined) {
      return sender.slice(zone + 1) === this.interfaceName;
    }
    const family = isIPv6(sender) ? "ipv6" : "ipv4";
    return this.#near.check(sender, family) || !this.#far.check(sender, family);
  }
}

function addNetwork(list: BlockList, cidr: string | null): void {
  const [network = "", prefix = ""] = cidr?.split("/") ?? [];
  // Link-local addresses are on every interface; the zone tells them apart.
  if (network === "" || /^fe80:/i.test(network)) return;
  list.addSubnet(network, Number(prefix), isIPv6(network) ? "ipv6" : "ipv4");
}

function covers(cidr: string | null, address: string): boolean {
  const list = new BlockList();
  addNetwork(list, cidr);
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/**
 * The address to receive at what is sent to a multicast group: groups that mean something on one
 * interface only need its name (`through` in the form `::%eth0`).
 */
export function receivingAddress(group: string, through: string | undefined): string {
  const zone = through?.split("%")[1];
  const local = /^ff[0-9a-f][12]:/i.test(group);
  return local && zone !== undefined && !group.includes("%") ? `${group}%${zone}` : group;
}
