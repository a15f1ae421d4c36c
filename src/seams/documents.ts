/** Small JSON documents that are rewritten as a whole: users, roles, names. */

export interface DocumentStore {
  /**
   * The document as it was last saved; undefined where there is none. `problem` says that there is
   * one which cannot be read: then nothing is ever saved over it.
   */
  load(name: string): { readonly content?: unknown; readonly problem?: string | undefined };
  /**
   * Replaces the document. Calls `done` once, later, when it is safe on the disk, or with what went
   * wrong. `content` is not changed any more.
   */
  save(name: string, content: unknown, done: (problem: string | undefined) => void): void;
}
