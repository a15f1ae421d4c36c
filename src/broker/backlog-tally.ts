/**
 * Decides, while the store is read at start, which deliveries are taken into memory: the first of each
 * session. Of the others it notes how many there are, and where.
 */
import type { RestOfKeys } from "../seams/journal.ts";
import type { StoredSpan } from "./paged-queue.ts";
import { deliveryKeyParts, endOfDeliveries } from "./records.ts";

/** Waiting deliveries of one session that are taken into memory. */
const FIRST = 256;

export class BacklogTally {
  /** By client identifier. */
  readonly spans = new Map<string, StoredSpan>();
  #clientId: string | undefined;
  #taken = 0;
  #takenBytes = 0;

  /**
   * Asked for each record in the order of keys: whether it is read in whole, or how those are passed by
   * that follow it.
   */
  takes(key: string, value: Uint8Array): boolean | RestOfKeys {
    const parts = deliveryKeyParts(key);
    if (parts === undefined) return true;
    const { clientId } = parts;
    if (clientId !== this.#clientId) {
      this.#clientId = clientId;
      this.#taken = 0;
      this.#takenBytes = 0;
    }
    if (this.#taken < FIRST) {
      this.#taken++;
      this.#takenBytes += value.length;
      return true;
    }
    this.#count(key);
    return { to: endOfDeliveries(clientId), pass: (passed) => this.#count(passed) };
  }

  #count(key: string): void {
    const parts = deliveryKeyParts(key);
    if (parts === undefined) return;
    const { clientId, sequence } = parts;
    const span = this.spans.get(clientId);
    // The payloads are not looked at: as long as those before, roughly.
    const bytes = Math.round(this.#takenBytes / this.#taken);
    if (span === undefined) {
      this.spans.set(clientId, { count: 1, bytes, from: sequence, until: sequence });
    } else {
      span.count++;
      span.bytes += bytes;
      span.until = sequence;
    }
  }
}
