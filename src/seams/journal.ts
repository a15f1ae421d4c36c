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
  /** Nothing is to be put that can be refused: the disk is full, or takes nothing. */
  readonly full?: boolean | undefined;
  /**
   * Reads, now or later, the first `limit` records with keys from `from` up to, and without, `to`, in
   * their order. What was put shows once it has settled. A journal that keeps nothing cannot.
   */
  read?(
    from: string,
    to: string,
    limit: number,
    take: (records: readonly StoredRecord[]) => void,
  ): void;
}

/** Keys whose records need not be read: those up to, and without, `to`. */
export interface RestOfKeys {
  readonly to: string;
  /** Called for each of them, in order. */
  readonly pass: (key: string) => void;
}

/**
 * Asked at start for each record, in the order of keys: whether it is to be read back; or which keys
 * that follow it, this one left out as well, need not be.
 */
export type TakesRecord = (key: string, value: Uint8Array) => boolean | RestOfKeys;

/** A record as it is read back at start. */
export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
}
