/** All documents of a folder, read from their files, and written back. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../seams/log.ts";
import { DocumentFile } from "./document-file.ts";

const NAME = /^([a-z0-9][a-z0-9-]*)\.json$/;

/** Of each name its content. Rejects with DocumentError where one cannot be read. */
export async function readDocuments(path: string, log: Log): Promise<[string, unknown][]> {
  const found: [string, unknown][] = [];
  for (const file of await filesIn(path)) {
    const name = NAME.exec(file)?.[1];
    if (name === undefined) continue;
    const content = await new DocumentFile({ path: join(path, file), log }).read();
    if (content !== null) found.push([name, content]);
  }
  return found;
}

export async function writeDocuments(
  path: string,
  documents: Iterable<readonly [name: string, content: unknown]>,
  log: Log,
): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  for (const [name, content] of documents) {
    await new DocumentFile({ path: join(path, `${name}.json`), log }).write(content);
  }
}

async function filesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
