/** How many clients are connected through each listener. */

export class ListenerCounts {
  readonly #counts = new Map<string, number>();

  of(listener: string): number {
    return this.#counts.get(listener) ?? 0;
  }

  enter(listener: string): void {
    this.#counts.set(listener, this.of(listener) + 1);
  }

  leave(listener: string): void {
    this.#counts.set(listener, this.of(listener) - 1);
  }
}
