/** Configuration files for tests, and what the loader says of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { ConfigError, formatProblem } from "../../src/config/config-error.ts";
import { type Loaded, loadConfig, type Overrides } from "../../src/config/load.ts";

/** A folder that goes away with the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "midge-config-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes `files` into a new folder, by name, and returns the folder. */
export function writeFiles(
  t: TestContext,
  files: Readonly<Record<string, string | Uint8Array>>,
): string {
  const folder = temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return folder;
}

/** Loads a file of this content. */
export function load(
  t: TestContext,
  content: string | Uint8Array,
  name = "midge.toml",
  overrides?: Overrides,
): Loaded {
  const folder = writeFiles(t, { [name]: content });
  return loadConfig({ file: join(folder, name), overrides });
}

/** The warnings of a file, one line each, without the folder's name. */
export function warningsOf(t: TestContext, content: string, name = "midge.toml"): string[] {
  const folder = writeFiles(t, { [name]: content });
  const { warnings } = loadConfig({ file: join(folder, name) });
  return warnings.map((warning) => formatProblem(warning).replaceAll(`${folder}/`, ""));
}

/** What is wrong with a file, one line each, without the folder's name; nothing if it loads. */
export function problemsOf(
  t: TestContext,
  content: string | Uint8Array,
  name = "midge.toml",
  overrides?: Overrides,
): string[] {
  const folder = writeFiles(t, { [name]: content });
  return problemsIn(folder, name, overrides);
}

export function problemsIn(folder: string, name: string, overrides?: Overrides): string[] {
  try {
    loadConfig({ file: join(folder, name), overrides });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ""));
  }
}
