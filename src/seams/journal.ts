/**
 * Persistence as the cores see it: facts are put and deleted at once, become durable in order with
 * the next commit, and whoever must know is told.
 */
export interface Settleable {
  /** Everything that was put before `afterCommit` was called is durable. */
  settle(): void;
}

export interface Journal {
  /** Sets the record `key`. The value is the journal's from now on. */
  put(key: string, value: Uint8Array): void;
  delete(key: string): void;
  /** Settles once all that was put and deleted so far is durable; may settle at once. */
  afterCommit(waiting: Settleable): void;
}

/** A record as it is read back at start. */
export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
}
