/** The nodes that the configuration lists, by ClientId or pattern, some of them on one link only. */
import { isPattern, matchesClientId } from "../topics/client-id-pattern.ts";

export interface KnownNode {
  /** A ClientId, or a pattern in which `*` stands for any characters. */
  readonly clientId: string;
  /** The only link that it may come in by; absent or empty for all. */
  readonly link?: string | undefined;
}

export class KnownNodes {
  /** By ClientId, the links; "" is all links. */
  readonly #exact = new Map<string, string[]>();
  readonly #patterns: KnownNode[] = [];

  constructor(nodes: readonly KnownNode[]) {
    for (const node of nodes) {
      const { clientId, link = "" } = node;
      if (isPattern(clientId)) {
        this.#patterns.push(node);
        continue;
      }
      const links = this.#exact.get(clientId);
      if (links === undefined) this.#exact.set(clientId, [link]);
      else links.push(link);
    }
  }

  includes(clientId: string, link: string): boolean {
    if (this.#exact.get(clientId)?.some((one) => fits(one, link)) === true) return true;
    return this.#patterns.some(
      (node) => fits(node.link, link) && matchesClientId(node.clientId, clientId),
    );
  }
}

function fits(wanted: string | undefined, link: string): boolean {
  return wanted === undefined || wanted === "" || wanted === link;
}
