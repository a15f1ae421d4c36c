/**
 * Whether to tell a remote broker that this is a bridge. One that does not know of bridges refuses
 * such a CONNECT, or just closes; it is then asked again as a common client.
 */
import type { Ending } from "../mqtt-client/ending.ts";
import type { RemoteAddress } from "./options.ts";

const UNACCEPTABLE_PROTOCOL_VERSION = 1;

export class Privacy {
  readonly #wanted: boolean;
  /** Addresses to ask as a common client; false while it is not proven that this helps. */
  readonly #plain = new Map<RemoteAddress, boolean>();

  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  /** Whether to mark the next CONNECT. */
  marks(address: RemoteAddress): boolean {
    return this.#wanted && !this.#plain.has(address);
  }

  /** CONNACK came. */
  accepted(address: RemoteAddress): void {
    if (this.#plain.has(address)) this.#plain.set(address, true);
  }

  /** No CONNACK came. True if it is worth another attempt at once, as a common client. */
  failed(address: RemoteAddress, ending: Ending): boolean {
    if (!this.marks(address)) {
      // It fails either way, so the mark was not what it closed for.
      if (this.#plain.get(address) === false) this.#plain.delete(address);
      return false;
    }
    const refused =
      ending.kind === "refused" && ending.returnCode === UNACCEPTABLE_PROTOCOL_VERSION;
    if (!refused && ending.kind !== "lost") return false;
    this.#plain.set(address, refused);
    return true;
  }
}
