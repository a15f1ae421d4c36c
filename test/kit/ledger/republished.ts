/** QoS 2 messages that a broker publishes again though it has released them [MQTT-4.3.3-5]. */
export class Republished {
  /** What each packet identifier of the broker's stands for. */
  readonly #named = new Map<number, string>();
  readonly #released = new Set<string>();
  readonly #again = new Set<string>();

  /** A PUBLISH came; `name` tells the message from all others. */
  published(packetId: number, name: string): void {
    this.#named.set(packetId, name);
    if (this.#released.has(name)) this.#again.add(name);
  }

  /** A PUBREL came. */
  released(packetId: number): void {
    const name = this.#named.get(packetId);
    if (name !== undefined) this.#released.add(name);
  }

  has(name: string): boolean {
    return this.#again.has(name);
  }
}
