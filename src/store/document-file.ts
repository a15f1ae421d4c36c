/**
 * A JSON document on the disk, as lowdb's adapter: written as a whole, safely, with a checksum, and
 * with the one before it kept beside it. A file that cannot be read is never written over: it is set
 * aside, and what was kept before it serves instead.
 */
import { createHash } from "node:crypto";
import { copyFile, link, open, readFile, rename, rm } from "node:fs/promises";
import type { Adapter } from "lowdb";
import type { Log } from "../seams/log.ts";
import { replaceFile } from "./atomic-file.ts";

export interface DocumentFileOptions {
  readonly path: string;
  readonly log: Log;
}

/** What stands in the file: the content, and a checksum over it. */
interface Envelope {
  readonly format: 1;
  readonly checksum: string;
  readonly content: unknown;
}

type Reading =
  | { readonly kind: "good"; readonly content: unknown }
  | { readonly kind: "missing" }
  | { readonly kind: "bad"; readonly problem: string };

const MODE = 0o600;

/** Neither the document nor the one before it can be read; the text says what to do. */
export class DocumentError extends Error {
  readonly code = "MIDGE_DOCUMENT_UNREADABLE";

  constructor(message: string) {
    super(message);
    this.name = "DocumentError";
  }
}

export class DocumentFile implements Adapter<unknown> {
  readonly #path: string;
  readonly #log: Log;
  /** The file at `path` is not ours to replace before it was set aside. */
  #damaged = false;
  #unreadable = false;

  constructor({ path, log }: DocumentFileOptions) {
    this.#path = path;
    this.#log = log;
  }

  /** The content; null where there is no document. Rejects with DocumentError where nothing can be read. */
  async read(): Promise<unknown> {
    const current = await readEnvelope(this.#path);
    if (current.kind === "good") return current.content;
    const previous = await readEnvelope(this.#previous);
    if (current.kind === "bad") {
      this.#damaged = true;
      this.#log.error(`${this.#path} cannot be used: ${current.problem}`);
    }
    if (previous.kind === "good") {
      this.#log.warn(`Using ${this.#previous} instead: the last change may be missing`);
      return previous.content;
    }
    if (current.kind === "missing" && previous.kind === "missing") return null;
    this.#unreadable = true;
    const problem = current.kind === "bad" ? current.problem : "it is missing";
    throw new DocumentError(
      `${this.#path} cannot be used (${problem}), nor can ${this.#previous}: ` +
        "repair one of them, or remove both to begin anew",
    );
  }

  /** Replaces the document; rejects where it cannot, and after nothing could be read. */
  async write(content: unknown): Promise<void> {
    if (this.#unreadable) throw new DocumentError(`${this.#path} is not written over`);
    if (this.#damaged) {
      const aside = `${this.#path}.damaged-${new Date().toISOString().replaceAll(":", "-")}`;
      await rename(this.#path, aside);
      this.#damaged = false;
      this.#log.warn(`Set the file that could not be used aside as ${aside}`);
    }
    const envelope: Envelope = { format: 1, checksum: checksumOf(content), content };
    await replaceFile(this.#path, `${JSON.stringify(envelope, null, 1)}\n`, {
      mode: MODE,
      beforeRename: () => this.#keepPrevious(),
    });
  }

  get #previous(): string {
    return `${this.#path}.previous`;
  }

  /** The document stays where it is all the while: a crash at any point leaves at least one of both. */
  async #keepPrevious(): Promise<void> {
    const next = `${this.#previous}.new`;
    await rm(next, { force: true });
    try {
      await link(this.#path, next);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      // A file system without links, such as that of a boot partition.
      await copyFile(this.#path, next);
      await syncFile(next);
    }
    await rename(next, this.#previous);
  }
}

async function readEnvelope(path: string): Promise<Reading> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? { kind: "missing" } : { kind: "bad", problem: message };
  }
  let envelope: Partial<Envelope>;
  try {
    envelope = JSON.parse(text);
  } catch {
    const problem = text.length === 0 ? "it is empty" : "it is no valid JSON";
    return { kind: "bad", problem };
  }
  if (envelope === null || typeof envelope !== "object" || envelope.format !== 1) {
    return { kind: "bad", problem: "it is no document of this version of Midge" };
  }
  if (envelope.content === undefined || checksumOf(envelope.content) !== envelope.checksum) {
    return { kind: "bad", problem: "its checksum does not fit its content" };
  }
  return { kind: "good", content: envelope.content };
}

/** Over the content as JSON, which is the same again after it was written and read. */
function checksumOf(content: unknown): string {
  return `sha256-${createHash("sha256").update(JSON.stringify(content)).digest("hex")}`;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
