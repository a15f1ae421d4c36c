/** The topic ids that node and gateway agreed on in this session (MQTT-SN 1.2 §6.5). */

export class TopicIds {
  readonly #ids = new Map<string, number>();
  readonly #names = new Map<number, string>();

  idOf(name: string): number | undefined {
    return this.#ids.get(name);
  }

  nameOf(topicId: number): string | undefined {
    return this.#names.get(topicId);
  }

  /** A later assignment replaces what the name and the id stood for before. */
  assign(name: string, topicId: number): void {
    this.forget(topicId);
    const former = this.#ids.get(name);
    if (former !== undefined) this.#names.delete(former);
    this.#ids.set(name, topicId);
    this.#names.set(topicId, name);
  }

  forget(topicId: number): void {
    const name = this.#names.get(topicId);
    if (name === undefined) return;
    this.#names.delete(topicId);
    this.#ids.delete(name);
  }

  clear(): void {
    this.#ids.clear();
    this.#names.clear();
  }
}
