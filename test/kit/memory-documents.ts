/** Documents in memory, saved when the test says so. */
import type { DocumentStore } from "../../src/seams/documents.ts";

export class MemoryDocuments implements DocumentStore {
  readonly #waiting: ((problem: string | undefined) => void)[] = [];
  readonly kept = new Map<string, unknown>();
  /** Why the next saves fail. */
  problem: string | undefined;
  /** Saves wait for `settle`. */
  slow = false;
  saves = 0;

  load(name: string): { readonly content?: unknown; readonly problem?: string | undefined } {
    return { content: this.kept.get(name) };
  }

  save(name: string, content: unknown, done: (problem: string | undefined) => void): void {
    this.saves++;
    // As it will be read again: what is undefined is gone.
    if (this.problem === undefined) this.kept.set(name, JSON.parse(JSON.stringify(content)));
    if (this.slow) this.#waiting.push(done);
    else done(this.problem);
  }

  settle(): void {
    for (const done of this.#waiting.splice(0)) done(this.problem);
  }
}
