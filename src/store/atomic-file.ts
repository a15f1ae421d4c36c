/** Replaces files so that a crash leaves the old content or the new, whole. */
import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface Replacement {
  /** Permissions of the new file. */
  readonly mode: number;
  /** Who the new file belongs to; whoever runs this if it cannot be given away. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Called once the new content is safe beside the old, just before it takes its place. */
  readonly beforeRename?: (() => Promise<void>) | undefined;
}

/** Writes the content beside the file, makes it safe, and puts it into the file's place. */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { mode, owner, beforeRename }: Replacement,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    // Exclusive: nobody can have put a link in its place.
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content);
      if (owner !== undefined) await giveTo(file, owner);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await beforeRename?.();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes all files in a folder safe, which hold no folders of their own, and their names. */
export async function syncContents(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), "r");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(folder);
}

/** Makes renames and links in a folder safe; where the file system knows no such thing, does nothing. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, "r");
  } catch {
    return;
  }
  try {
    await handle.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EINVAL" && code !== "ENOTSUP" && code !== "EISDIR") throw error;
  } finally {
    await handle.close();
  }
}

async function giveTo(file: FileHandle, owner: { uid: number; gid: number }): Promise<void> {
  try {
    await file.chown(owner.uid, owner.gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
  }
}
