/** What checks between options find, and what they are told of the file. */
import type { KeyPath } from "./key-path.ts";
import type { Finding } from "./validate.ts";

export interface CrossFindings {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

export interface Finds {
  readonly errors: Finding[];
  readonly warnings: Finding[];
}

/** What the file tells about a section. */
export interface Source {
  /** The user wrote this, so that it is no default: that one is to blame for a clash. */
  readonly isGiven: (at: KeyPath) => boolean;
  /** What the user calls a section. */
  readonly nameOf: (at: KeyPath) => string;
}
