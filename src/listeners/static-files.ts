/** Serves the files of a folder to browsers, beside MQTT over WebSocket: nothing outside it, and no lists. */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { basename, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { contentTypeOf } from "./content-types.ts";

/** Files that are being sent at a time, by one listener: each takes a descriptor of its own. */
const MOST_AT_ONCE = 64;

/** A pipe would wait for somebody who writes; the last step of a path is no link by then. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

type Answer =
  | {
      readonly kind: "file";
      readonly file: FileHandle;
      readonly stats: Stats;
      readonly name: string;
    }
  /** To the same with a slash behind it, as seen from where it is. */
  | { readonly kind: "elsewhere"; readonly location: string }
  | { readonly kind: "refusal"; readonly status: number };

export class StaticFiles {
  readonly #folder: string;
  #open = 0;

  /** `folder`: its path; links in it may lead to anything inside. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Answers one request (RFC 9110). Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      refuse(response, 405);
      return;
    }
    if (this.#open >= MOST_AT_ONCE) {
      response.setHeader("Retry-After", "1");
      refuse(response, 503);
      return;
    }
    this.#open++;
    try {
      await send(await this.#find(request.url ?? ""), request, response);
    } catch {
      // The other end has gone, or the disk fails while the answer is on its way.
      response.destroy();
    } finally {
      this.#open--;
    }
  }

  async #find(target: string): Promise<Answer> {
    const path = pathIn(target);
    if (path === undefined) return { kind: "refusal", status: 400 };
    // What is hidden in folders is seldom meant for everybody.
    const isHidden = path.split("/").some((name) => name.startsWith("."));
    if (isHidden && !path.startsWith("/.well-known/")) return NOT_FOUND;
    try {
      const root = await realpath(this.#folder);
      const asked = path.endsWith("/") ? `${path}index.html` : path;
      const found = await realpath(join(root, asked));
      if (!found.startsWith(root.endsWith(sep) ? root : root + sep)) return NOT_FOUND;
      if ((await stat(found)).isDirectory()) {
        return path.endsWith("/")
          ? NOT_FOUND
          : { kind: "elsewhere", location: `./${encodeURIComponent(basename(path))}/` };
      }
      return await opened(found);
    } catch (error) {
      return { kind: "refusal", status: statusOf(error as NodeJS.ErrnoException) };
    }
  }
}

const NOT_FOUND: Answer = { kind: "refusal", status: 404 };

/** The path that a request asks for, decoded; undefined where it is malformed. */
function pathIn(target: string): string | undefined {
  const url = URL.parse(target, "http://host");
  if (url === null) return undefined;
  try {
    const path = decodeURIComponent(url.pathname);
    return path.includes("\0") ? undefined : path;
  } catch {
    return undefined;
  }
}

async function opened(path: string): Promise<Answer> {
  const file = await open(path, OPEN_FLAGS);
  try {
    const stats = await file.stat();
    if (stats.isFile()) return { kind: "file", file, stats, name: basename(path) };
  } catch {}
  await file.close();
  return NOT_FOUND;
}

/** That a file is there but may not be read is nobody's business. */
function statusOf({ code }: NodeJS.ErrnoException): number {
  if (code === "ENAMETOOLONG") return 414;
  return code === "EMFILE" || code === "ENFILE" ? 503 : 404;
}

async function send(
  answer: Answer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  switch (answer.kind) {
    case "refusal":
      refuse(response, answer.status);
      return;
    case "elsewhere":
      response.writeHead(302, { Location: answer.location, "Content-Length": 0 });
      response.end();
      return;
    case "file":
      await sendFile(answer, request, response);
  }
}

async function sendFile(
  { file, stats, name }: Extract<Answer, { kind: "file" }>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { size, mtimeMs, mtime } = stats;
  const etag = `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`;
  try {
    response.setHeaders(
      new Map([
        ["ETag", etag],
        ["Last-Modified", mtime.toUTCString()],
        ["Cache-Control", "no-cache"],
        ["X-Content-Type-Options", "nosniff"],
      ]),
    );
    if (isKnown(request, etag, mtimeMs)) {
      response.writeHead(304);
      response.end();
      return;
    }
    response.writeHead(200, { "Content-Type": contentTypeOf(name), "Content-Length": size });
    if (request.method === "HEAD" || size === 0) {
      response.end();
      return;
    }
    // As long as was promised, though it may be growing.
    await pipeline(file.createReadStream({ end: size - 1, autoClose: false }), response);
  } finally {
    await file.close();
  }
}

/** Whether the browser has the file as it is (RFC 9110 §13.1.2, §13.1.3). */
function isKnown({ headers }: IncomingMessage, etag: string, mtimeMs: number): boolean {
  const tags = headers["if-none-match"];
  if (tags !== undefined) {
    return tags.split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
  }
  const since = Date.parse(headers["if-modified-since"] ?? "");
  return since >= Math.floor(mtimeMs / 1000) * 1000;
}

const REASONS: Readonly<Record<number, string>> = {
  400: "This is no path.",
  404: "There is no such file here.",
  405: "Files are only to be read here.",
  414: "That path is too long.",
  503: "Too many files are being read; try again.",
};

function refuse(response: ServerResponse, status: number): void {
  const text = `${REASONS[status] ?? "That cannot be."}\n`;
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    "X-Content-Type-Options": "nosniff",
  });
  response.end(text);
}
