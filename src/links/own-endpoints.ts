/** Where this gateway's own UDP links send from, so that what multicast brings back is known for ours. */
import { networkInterfaces } from "node:os";

interface Endpoint {
  /** An IP address, or that of all addresses of its family. */
  readonly address: string;
  readonly port: number;
}

/** How long this machine's addresses are taken to be the same, ms: to ask for them takes a while. */
const FRESH = 5000;

/** Shared by all links, as one may hear another. */
export class OwnEndpoints {
  readonly #endpoints = new Set<Endpoint>();
  #local: ReadonlySet<string> = new Set();
  #localSince = Number.NEGATIVE_INFINITY;

  /** Answers how to take it away again. */
  add(address: string, port: number): () => void {
    const endpoint = { address, port };
    this.#endpoints.add(endpoint);
    return () => this.#endpoints.delete(endpoint);
  }

  has(address: string, port: number): boolean {
    for (const own of this.#endpoints) {
      if (own.port !== port) continue;
      if (own.address === address) return true;
      const everywhere = own.address === "0.0.0.0" || own.address === "::";
      if (everywhere && this.#isLocal(address)) return true;
    }
    return false;
  }

  #isLocal(address: string): boolean {
    const now = performance.now();
    if (now - this.#localSince > FRESH) {
      const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
      this.#local = new Set(all.map((one) => one.address));
      this.#localSince = now;
    }
    return this.#local.has(withoutZone(address));
  }
}

/** Without the interface that stands behind a link-local address. */
export function withoutZone(address: string): string {
  const zone = address.indexOf("%");
  return zone < 0 ? address : address.slice(0, zone);
}
