/** Makes folders, and says truly what is in the way: Node's own way calls a read-only disk "not found". */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

export interface FolderRights {
  readonly mode?: number | undefined;
}

/** With those that it is in. True if it was not there. Throws what the system says. */
export function makeFolder(path: string, rights: FolderRights = {}): boolean {
  const { mode = 0o777 } = rights;
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return false;
    if (code !== "ENOENT" || dirname(path) === path) throw error;
  }
  makeFolder(dirname(path), rights);
  mkdirSync(path, { mode });
  return true;
}
