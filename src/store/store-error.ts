/** The store cannot be used at all; `store.path` in the configuration names its folder. */

export class StoreError extends Error {
  readonly code = "MIDGE_STORE_UNUSABLE";

  constructor(message: string, cause: unknown) {
    super(`store: ${message} (set by store.path)`, { cause });
    this.name = "StoreError";
  }
}
