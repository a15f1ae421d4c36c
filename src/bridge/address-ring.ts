/** Which of a bridge's addresses is tried next. */
import type { RemoteAddress } from "./options.ts";

export class AddressRing {
  readonly #addresses: readonly RemoteAddress[];
  readonly #roundRobin: boolean;
  #index = 0;
  #failures = 0;

  constructor(addresses: readonly RemoteAddress[], roundRobin: boolean) {
    this.#addresses = addresses;
    this.#roundRobin = roundRobin;
  }

  get current(): RemoteAddress {
    return this.#addresses[this.#index] as RemoteAddress;
  }

  get main(): RemoteAddress {
    return this.#addresses[0] as RemoteAddress;
  }

  /** Connected to a stand-in that is to be left once the main address answers again. */
  get isStandIn(): boolean {
    return !this.#roundRobin && this.#index > 0;
  }

  connected(): void {
    this.#failures = 0;
  }

  /** Goes on to the next address. True when that completes a round in which all have failed. */
  failed(): boolean {
    this.#index = (this.#index + 1) % this.#addresses.length;
    this.#failures++;
    if (this.#failures < this.#addresses.length) return false;
    this.#failures = 0;
    return true;
  }

  /** Goes back to the main address. */
  toMain(): void {
    this.#index = 0;
    this.#failures = 0;
  }
}
