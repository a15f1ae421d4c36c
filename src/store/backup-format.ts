/**
 * A backup as one file: lines of JSON, packed with gzip, so that it can be looked at with zcat. The
 * first line says what it is, the last one how much there was, with a checksum over all before it.
 */
import { createHash } from "node:crypto";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { StoredRecord } from "../seams/journal.ts";

const FORMAT = 1;

export type BackupEntry =
  | { readonly kind: "record"; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "document"; readonly name: string; readonly content: unknown };

/** What stands at the head of a backup. */
export interface BackupHead {
  /** Of the Midge that made it. */
  readonly version: string;
  /** In ISO 8601. */
  readonly created: string;
}

export interface BackupSource extends BackupHead {
  readonly documents: Iterable<readonly [name: string, content: unknown]>;
  readonly records: AsyncIterable<readonly StoredRecord[]> | Iterable<readonly StoredRecord[]>;
}

/** A file that is no backup, or not a whole one; the text says what is wrong. */
export class BackupError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BackupError";
  }
}

/** The lines of a backup, many at a time. */
export async function* backupLines(source: BackupSource): AsyncGenerator<string> {
  const { version, created, documents, records } = source;
  const hash = createHash("sha256");
  let [recordCount, documentCount] = [0, 0];
  const told = (lines: readonly unknown[]): string => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    hash.update(text);
    return text;
  };
  yield told([{ midgeBackup: FORMAT, version, created }]);
  for (const [document, content] of documents) {
    documentCount++;
    yield told([{ document, content }]);
  }
  for await (const some of records) {
    recordCount += some.length;
    yield told(some.map(({ key, value }) => ({ record: key, value: base64(value) })));
  }
  const end = { records: recordCount, documents: documentCount, sha256: hash.digest("hex") };
  yield `${JSON.stringify({ end })}\n`;
}

/** One that cannot be made says so in the place of its first line. */
export function refusedBackup(problem: string): string {
  return `${JSON.stringify({ problem })}\n`;
}

interface Line {
  readonly midgeBackup?: unknown;
  readonly version?: unknown;
  readonly created?: unknown;
  readonly problem?: unknown;
  readonly record?: unknown;
  readonly value?: unknown;
  readonly document?: unknown;
  readonly content?: unknown;
  readonly end?: {
    readonly records?: unknown;
    readonly documents?: unknown;
    readonly sha256?: unknown;
  };
}

/**
 * Reads a packed backup and tells of what is in it, as it comes; only once it resolves is it known to be
 * whole. Rejects with BackupError.
 */
export async function readBackup(
  input: Readable,
  take: (entry: BackupEntry) => void | Promise<void>,
): Promise<BackupHead> {
  const unpacked = new PassThrough();
  let failure: Error | undefined;
  pipeline(input, createGunzip(), unpacked, (error) => {
    if (error != null) failure = error;
  });
  const hash = createHash("sha256");
  let head: BackupHead | undefined;
  let [records, documents] = [0, 0];
  let isOver = false;
  try {
    for await (const text of linesOf(unpacked)) {
      if (isOver) throw new BackupError("there is more behind its end");
      const line = parse(text);
      if (head === undefined) head = headOf(line);
      else if (line.end !== undefined)
        isOver = checkEnd(line.end, records, documents, hash.copy().digest("hex"));
      else {
        const entry = entryOf(line);
        if (entry.kind === "record") records++;
        else documents++;
        await take(entry);
      }
      hash.update(`${text}\n`);
    }
  } catch (error) {
    input.destroy();
    if (error instanceof BackupError || failure === undefined) throw error;
  }
  if (failure !== undefined) throw new BackupError(`it cannot be unpacked: ${failure.message}`);
  if (head === undefined || !isOver) throw new BackupError("it ends too early");
  return head;
}

/** What is behind the last line's end is a line as well. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function parse(text: string): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw new BackupError("it is no backup of Midge, or damaged");
  }
  if (line === null || typeof line !== "object") throw new BackupError("it is no backup of Midge");
  return line as Line;
}

function headOf({ midgeBackup, version, created, problem }: Line): BackupHead {
  if (typeof problem === "string") throw new BackupError(problem);
  if (typeof midgeBackup !== "number") throw new BackupError("it is no backup of Midge");
  if (midgeBackup !== FORMAT) {
    throw new BackupError(`it is of format ${midgeBackup}, which this Midge does not know`);
  }
  if (typeof version !== "string" || typeof created !== "string") {
    throw new BackupError("its first line is damaged");
  }
  return { version, created };
}

function entryOf({ record, value, document, content }: Line): BackupEntry {
  if (typeof record === "string" && typeof value === "string") {
    return { kind: "record", key: record, value: new Uint8Array(Buffer.from(value, "base64")) };
  }
  if (typeof document === "string" && DOCUMENT_NAME.test(document) && content !== undefined) {
    return { kind: "document", name: document, content };
  }
  throw new BackupError("a line of it is damaged");
}

/** Never a path. */
const DOCUMENT_NAME = /^[a-z0-9][a-z0-9-]*$/;

function checkEnd(
  end: NonNullable<Line["end"]>,
  records: number,
  documents: number,
  sha256: string,
): true {
  if (end.records !== records || end.documents !== documents || end.sha256 !== sha256) {
    throw new BackupError("its checksum does not fit: it is damaged");
  }
  return true;
}

function base64(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64");
}
