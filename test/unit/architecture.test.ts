/** The layout of src/: which folder may import which, and which are free of Node and of packages. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { test } from "node:test";

const src = join(import.meta.dirname, "../../src");

/** Layers from the top; a folder may import those of lower layers only. */
const LAYERS: readonly (readonly string[])[] = [
  ["main"],
  ["assemble"],
  ["cli"],
  ["listeners", "links", "uplink", "http", "store", "system", "dashboard"],
  ["sockets", "broker", "gateway", "bridge", "upstream", "auth", "config"],
  ["mqtt-client", "mqttsn-client", "control", "topics"],
  ["seams"],
  ["mqtt", "mqttsn"],
  ["bytes", "time"],
];

/** Single files at the top of src/ and the layer that they belong to. */
const TOP_FILES: Readonly<Record<string, string>> = {
  "main.ts": "main",
  "assemble.ts": "assemble",
  "assemble-access.ts": "assemble",
  "assemble-documents.ts": "assemble",
  "assemble-facts.ts": "assemble",
  "assemble-http.ts": "assemble",
  "access-from-config.ts": "assemble",
  "assemble-links.ts": "assemble",
  "assemble-listeners.ts": "assemble",
  "assemble-bridges.ts": "assemble",
  "assemble-store.ts": "assemble",
  "assemble-upstream.ts": "assemble",
  "listener-options.ts": "assemble",
  "options-from-config.ts": "assemble",
  "version.ts": "assemble",
};

/** Folders that import nothing of Node and no package. */
const PURE: ReadonlySet<string> = new Set([
  "broker",
  "gateway",
  "bridge",
  "upstream",
  "auth",
  "mqtt-client",
  "mqttsn-client",
  "control",
  "topics",
  "seams",
  "mqtt",
  "mqttsn",
  "bytes",
  "time",
]);

/** The same of parts of other folders. */
const PURE_PARTS: readonly string[] = ["links/framing"];

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly target: string;
}

function folderOf(path: string): string {
  const [first = ""] = path.split("/");
  return first.endsWith(".ts") || first.endsWith(".tsx") ? (TOP_FILES[first] ?? first) : first;
}

function imports(): Import[] {
  const found: Import[] = [];
  for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const file = relative(src, path);
    const text = readFileSync(path, "utf8");
    for (const match of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)) {
      found.push({ file, folder: folderOf(file), target: match[1] as string });
    }
  }
  return found;
}

const all = imports();

function layerOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}

test("every folder of src/ belongs to a layer", () => {
  const unknown = new Set(all.map(({ folder }) => folder).filter((folder) => layerOf(folder) < 0));
  assert.deepEqual([...unknown], []);
  assert.ok(all.length > 200, "the imports were found");
});

test("imports go down the layers, never up and never sideways", () => {
  const wrong = all
    .filter(({ target }) => target.startsWith("."))
    .filter(({ file, folder, target }) => {
      const to = folderOf(posix.normalize(posix.join(posix.dirname(file), target)));
      return to !== folder && to !== ".." && layerOf(to) <= layerOf(folder);
    })
    .map(({ file, target }) => `${file} imports ${target}`);
  assert.deepEqual(wrong, []);
});

test("pure folders import nothing of Node and no package", () => {
  const wrong = all
    .filter(
      ({ file, folder }) => PURE.has(folder) || PURE_PARTS.some((one) => file.startsWith(one)),
    )
    .filter(({ target }) => !target.startsWith("."))
    .map(({ file, target }) => `${file} imports ${target}`);
  assert.deepEqual(wrong, []);
});

test("pure folders read no clock, no timer, no randomness and no Node globals", () => {
  const forbidden =
    /\b(?:Date\.now|new Date\(\)|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|process\.|Buffer\.|Buffer\b<|console\.)/;
  const wrong: string[] = [];
  for (const folder of [...PURE, ...PURE_PARTS]) {
    for (const entry of readdirSync(join(src, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
        const code = line.replace(/^\s*(?:\/\/|\*|\/\*).*$/, "");
        if (forbidden.test(code)) wrong.push(`${relative(src, path)}:${index + 1}: ${line.trim()}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});
