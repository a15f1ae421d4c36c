/** A gateway on the bench that is spoken to in octets, written in hexadecimal. */
import type { GatewayOptions } from "../../../src/gateway/options.ts";
import type { Link, LinkAddress } from "../../../src/seams/link.ts";
import { Stand } from "../../unit/gateway/stand.ts";

/** `"02 16"`; what stands in quotes is text: `"05 16 'abc'"`. */
export function octets(text: string): Uint8Array {
  const parts = text.match(/'[^']*'|[0-9a-f]{2}/g) ?? [];
  return Uint8Array.from(
    parts.flatMap((part) =>
      part.startsWith("'")
        ? [...new TextEncoder().encode(part.slice(1, -1))]
        : [Number.parseInt(part, 16)],
    ),
  );
}

export function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
}

export class Wire implements Link {
  readonly name = "wire";
  readonly maximumFrame = 1400;
  readonly retryInterval = 10_000;
  readonly retryLimit = 4;
  readonly stand: Stand;
  /** The radius of each broadcast. */
  readonly radii: (number | undefined)[] = [];
  readonly #sent: string[] = [];
  readonly #broadcasts: string[] = [];

  constructor(options: Partial<GatewayOptions> = {}) {
    this.stand = new Stand(options);
    this.stand.gateway.attach(this);
  }

  send(_to: LinkAddress, frame: Uint8Array): void {
    this.#sent.push(hexOf(frame));
  }

  broadcast(frame: Uint8Array, radius?: number): void {
    this.#broadcasts.push(hexOf(frame));
    this.radii.push(radius);
  }

  /** Says these octets from an address, and answers what came back since the last time. */
  say(text: string, from = "node"): string[] {
    this.stand.gateway.receive(this, { key: from }, octets(text));
    return this.take();
  }

  take(): string[] {
    return this.#sent.splice(0);
  }

  takeBroadcasts(): string[] {
    return this.#broadcasts.splice(0);
  }

  /** Connects as "n", without a clean session and without supervision. */
  connect(): this {
    this.say("07 04 00 01 00 00 'n'");
    return this;
  }

  faults(): number {
    this.stand.pass(10);
    return this.stand.linkReport("wire").faults as number;
  }
}
