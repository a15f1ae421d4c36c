/** What a server is to answer, by packet identifier, on one connection. */

export type Awaited =
  | "puback"
  | "pubrec"
  | "pubcomp"
  /** Nothing yet: a publish of an earlier connection is to be repeated under this identifier. */
  | "reserved"
  | { readonly kind: "suback" | "unsuback"; readonly filters: number };

const MOST_IDENTIFIERS = 65535;

export class AwaitedAnswers {
  readonly #awaited = new Map<number, Awaited>();
  #lastPacketId = 0;
  /** QoS 1 and 2 publishes that the server is still busy with. */
  publishing = 0;

  get size(): number {
    return this.#awaited.size;
  }

  /** An identifier that nothing is in flight under; 0 when all 65 535 are. */
  freePacketId(): number {
    for (let tries = 0; tries < MOST_IDENTIFIERS; tries++) {
      this.#lastPacketId = this.#lastPacketId === MOST_IDENTIFIERS ? 1 : this.#lastPacketId + 1;
      if (!this.#awaited.has(this.#lastPacketId)) return this.#lastPacketId;
    }
    return 0;
  }

  of(packetId: number): Awaited | undefined {
    return this.#awaited.get(packetId);
  }

  expect(packetId: number, answer: Awaited): void {
    this.settle(packetId);
    if (isPublish(answer)) this.publishing++;
    this.#awaited.set(packetId, answer);
  }

  settle(packetId: number): void {
    if (isPublish(this.#awaited.get(packetId))) this.publishing--;
    this.#awaited.delete(packetId);
  }
}

function isPublish(answer: Awaited | undefined): boolean {
  return typeof answer === "string" && answer !== "reserved";
}
