/** A journal that keeps nothing: for the `memory` mode, in which a restart begins empty. */
import type { Journal, Settleable } from "../seams/journal.ts";

export class MemoryJournal implements Journal {
  put(): void {}

  delete(): void {}

  afterCommit(waiting: Settleable): void {
    waiting.settle();
  }
}
