/**
 * The built page in memory: every file with its pre-compressed forms, found by exact path, so that
 * no request ever reaches the file system.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";

type Encoding = "br" | "gzip" | "identity";

interface AssetForm {
  readonly encoding: Encoding;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

export interface Asset {
  readonly contentType: string;
  readonly cacheControl: string;
  /** The forms there are, smallest first; `identity` always. */
  readonly forms: readonly AssetForm[];
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

const COMPRESSED: Readonly<Record<string, Encoding>> = { ".br": "br", ".gz": "gzip" };

/** The build puts a hash of the content into the names of files that never change. */
const HASHED_NAME = /-[A-Z0-9]{8}\.[a-z]+$/;

/** Reads the built page under `directory`: URL path to file. Empty when it has not been built. */
export async function loadAssets(directory: string): Promise<ReadonlyMap<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const file of await filesUnder(directory)) {
    const contentType = CONTENT_TYPES[extname(file)];
    if (contentType === undefined) continue;
    const path = `/${relative(directory, file).split(sep).join("/")}`;
    assets.set(path === "/index.html" ? "/" : path, {
      contentType,
      cacheControl: HASHED_NAME.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
      forms: await formsOf(file),
    });
  }
  return assets;
}

async function filesUnder(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function formsOf(file: string): Promise<AssetForm[]> {
  const identity = new Uint8Array(await readFile(file));
  const hash = createHash("sha256").update(identity).digest("base64url").slice(0, 16);
  const forms: AssetForm[] = [{ encoding: "identity", body: identity, etag: `"${hash}"` }];
  for (const [suffix, encoding] of Object.entries(COMPRESSED)) {
    try {
      const body = new Uint8Array(await readFile(file + suffix));
      forms.push({ encoding, body, etag: `"${hash}-${encoding}"` });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return forms.sort((a, b) => a.body.length - b.body.length);
}

/** The smallest form that an Accept-Encoding header takes (RFC 9110 §12.5.3). */
export function chooseForm(asset: Asset, acceptEncoding: string | undefined): AssetForm {
  const accepted = acceptedEncodings(acceptEncoding ?? "");
  const form = asset.forms.find(
    ({ encoding }) => encoding === "identity" || accepted.has(encoding),
  );
  return form as AssetForm;
}

function acceptedEncodings(header: string): ReadonlySet<string> {
  const accepted = new Set<string>();
  for (const part of header.split(",")) {
    const [name = "", ...parameters] = part.split(";").map((word) => word.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
    if (name !== "" && !refused) accepted.add(name);
  }
  return accepted;
}

/** Whether an If-None-Match header names this entity tag (RFC 9110 §13.1.2). */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""))
    .some((tag) => tag === etag || tag === "*");
}
