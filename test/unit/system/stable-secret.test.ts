/** A secret that outlives the process. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stableSecret } from "../../../src/system/stable-secret.ts";

test("a secret is made once, is kept from others, and is the same each time", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "midge-secret-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const warnings: string[] = [];
  const path = join(folder, "data", "secret");
  const read = (): Uint8Array => stableSecret(path, (text) => warnings.push(text));
  const first = read();
  assert.equal(first.length, 32);
  assert.deepEqual(read(), first);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  // What is no secret any more is replaced.
  writeFileSync(path, "short");
  const second = read();
  assert.notDeepEqual(second, first);
  assert.deepEqual(new Uint8Array(readFileSync(path)), second);
  assert.deepEqual(warnings, []);
});

test("where it cannot be kept, it lasts as long as the process, and that is told", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "midge-secret-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "file"), "");
  const warnings: string[] = [];
  const path = join(folder, "file", "secret");
  assert.equal(stableSecret(path, (text) => warnings.push(text)).length, 32);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /file\/secret cannot be written: /);
  assert.notDeepEqual(stableSecret(undefined, assert.fail), stableSecret(undefined, assert.fail));
});
