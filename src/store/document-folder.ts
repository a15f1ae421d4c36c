/** The documents in a folder, by name: read at the start, and written one after the other. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Low } from "lowdb";
import type { DocumentStore } from "../seams/documents.ts";
import type { Log } from "../seams/log.ts";
import { isRefusal } from "./disk-trouble.ts";
import { DocumentError, DocumentFile } from "./document-file.ts";
import { makeFolder } from "./make-folder.ts";
import { StoreError } from "./store-error.ts";

export interface DocumentFolderOptions {
  /** Made if missing. */
  readonly path: string;
  readonly log: Log;
}

interface OpenDocument {
  readonly low: Low<unknown>;
  readonly content?: unknown;
  readonly problem?: string | undefined;
  /** What is being written, and who waits for what is to be written after it. */
  writing: Promise<void> | undefined;
  next: { content: unknown; done: ((problem: string | undefined) => void)[] } | undefined;
}

export class DocumentFolder implements DocumentStore {
  readonly #options: DocumentFolderOptions;
  readonly #documents = new Map<string, OpenDocument>();

  constructor(options: DocumentFolderOptions) {
    this.#options = options;
  }

  /** Reads these documents. Rejects with StoreError where the folder cannot be used at all. */
  async open(names: readonly string[]): Promise<void> {
    const { path, log } = this.#options;
    try {
      makeFolder(path, { mode: 0o700 });
    } catch (error) {
      const { message } = error as Error;
      if (!isRefusal(error))
        throw new StoreError(`cannot make the folder ${path}: ${message}`, error);
      // Nothing can be saved, and everybody who tries is told; all else goes on.
      log.error(`${path} cannot be made: ${message}`);
    }
    await this.#sweep();
    for (const name of names) {
      const adapter = new DocumentFile({ path: join(path, `${name}.json`), log });
      // lowdb takes null for "nothing read" and keeps this.
      const low = new Low<unknown>(adapter, ABSENT);
      const document: OpenDocument = { low, writing: undefined, next: undefined };
      this.#documents.set(name, { ...document, ...(await readInto(low)) });
    }
  }

  load(name: string): { readonly content?: unknown; readonly problem?: string | undefined } {
    const { content, problem } = this.#document(name);
    return problem === undefined ? { content } : { problem };
  }

  save(name: string, content: unknown, done: (problem: string | undefined) => void): void {
    const document = this.#document(name);
    // Of several that wait only the last is written: it holds what those before it held.
    const waiting = document.next?.done ?? [];
    document.next = { content, done: [...waiting, done] };
    document.writing ??= this.#write(document);
  }

  /** Waits until all is written. */
  async close(): Promise<void> {
    for (const { writing } of this.#documents.values()) await writing;
  }

  async #write(document: OpenDocument): Promise<void> {
    // In a later turn, so that nobody is answered from within his own call.
    await Promise.resolve();
    for (let job = document.next; job !== undefined; job = document.next) {
      document.next = undefined;
      let problem: string | undefined;
      try {
        document.low.data = job.content;
        await document.low.write();
      } catch (error) {
        problem = (error as Error).message;
      }
      for (const done of job.done) done(problem);
    }
    document.writing = undefined;
  }

  /** Takes away what a crash has left half written. */
  async #sweep(): Promise<void> {
    const { path } = this.#options;
    try {
      for (const name of await readdir(path)) {
        if (HALF_WRITTEN.test(name)) await rm(join(path, name), { force: true });
      }
    } catch {
      // They take room and nothing else.
    }
  }

  #document(name: string): OpenDocument {
    const document = this.#documents.get(name);
    if (document === undefined) throw new Error(`The document ${name} was not opened`);
    return document;
  }
}

const ABSENT = {};
const HALF_WRITTEN = /\.json\.[0-9a-f]{12}\.new$/;

async function readInto(
  low: Low<unknown>,
): Promise<{ content?: unknown; problem?: string | undefined }> {
  try {
    await low.read();
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    return { problem: error.message };
  }
  return low.data === ABSENT ? {} : { content: low.data };
}
