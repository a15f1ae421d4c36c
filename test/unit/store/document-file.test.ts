/** Documents survive crashes, damage and full disks, and nothing unread is written over. */
import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DocumentFolder } from "../../../src/store/document-folder.ts";
import { StoreError } from "../../../src/store/store-error.ts";
import { KeptLog } from "../../kit/kept-log.ts";

const NAME = "people";

interface Place {
  readonly path: string;
  readonly file: string;
  readonly log: KeptLog;
}

function place(t: TestContext): Place {
  const path = mkdtempSync(join(tmpdir(), "midge-documents-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return { path, file: join(path, `${NAME}.json`), log: new KeptLog() };
}

async function open({ path, log }: Place): Promise<DocumentFolder> {
  const folder = new DocumentFolder({ path, log });
  await folder.open([NAME]);
  return folder;
}

function save(folder: DocumentFolder, content: unknown): Promise<string | undefined> {
  return new Promise((resolve) => folder.save(NAME, content, resolve));
}

async function written(at: Place, ...contents: unknown[]): Promise<void> {
  const folder = await open(at);
  for (const content of contents) assert.equal(await save(folder, content), undefined);
}

test("a document is read as it was saved, with those before it gone but for the last", async (t) => {
  const at = place(t);
  assert.deepEqual((await open(at)).load(NAME), { content: undefined });
  await written(at, { a: 1 }, { a: 2, list: [null, "ä\u2028", 1.5], 7: true }, { a: 3 });
  assert.deepEqual((await open(at)).load(NAME).content, { a: 3 });
  assert.deepEqual(readdirSync(at.path).sort(), [`${NAME}.json`, `${NAME}.json.previous`]);
  assert.equal(statSync(at.file).mode & 0o777, 0o600);
});

test("empty and falsy contents are contents", async (t) => {
  const at = place(t);
  for (const content of [{}, [], ["x"]]) {
    await written(at, content);
    assert.deepEqual((await open(at)).load(NAME).content, content);
  }
});

for (const [damage, harm] of [
  ["cut short", (file: string) => truncateSync(file, 20)],
  ["emptied", (file: string) => truncateSync(file, 0)],
  [
    "edited by hand",
    (file: string) => writeFileSync(file, readFileSync(file, "utf8").replace("2", "9")),
  ],
  ["of another kind", (file: string) => writeFileSync(file, '{"clients":[]}')],
  ["no JSON", (file: string) => writeFileSync(file, "clients = 1")],
  ["null", (file: string) => writeFileSync(file, "null")],
] as const) {
  test(`a document that is ${damage} falls back on the one before, and is set aside before the next save`, async (t) => {
    const at = place(t);
    await written(at, { a: 1 }, { a: 2 });
    harm(at.file);
    const bytes = readFileSync(at.file, "utf8");
    const folder = await open(at);
    assert.deepEqual(folder.load(NAME).content, { a: 1 });
    assert.match(at.log.lines.join("\n"), /cannot be used: .*\n.*Using .*previous instead/);
    assert.equal(readFileSync(at.file, "utf8"), bytes, "not touched by reading");
    assert.equal(await save(folder, { a: 3 }), undefined);
    const aside = readdirSync(at.path).find((name) => name.includes(".damaged-"));
    assert.equal(readFileSync(join(at.path, aside ?? ""), "utf8"), bytes);
    assert.deepEqual((await open(at)).load(NAME).content, { a: 3 });
  });
}

test("a crash between the two renames leaves the one before", async (t) => {
  const at = place(t);
  await written(at, { a: 1 }, { a: 2 });
  rmSync(at.file);
  writeFileSync(`${at.file}.abcdef012345.new`, '{"format":1,"che');
  const folder = await open(at);
  assert.deepEqual(folder.load(NAME).content, { a: 1 });
  assert.deepEqual(readdirSync(at.path), [`${NAME}.json.previous`]);
  assert.equal(await save(folder, { a: 4 }), undefined);
  assert.deepEqual((await open(at)).load(NAME).content, { a: 4 });
});

test("where neither can be read it says so, and nothing is ever written over them", async (t) => {
  const at = place(t);
  await written(at, { a: 1 }, { a: 2 });
  truncateSync(at.file, 10);
  writeFileSync(`${at.file}.previous`, "rubbish");
  const folder = await open(at);
  assert.match(folder.load(NAME).problem ?? "", /people\.json cannot be used .* nor can .*repair/);
  assert.match((await save(folder, { a: 3 })) ?? "", /not written over/);
  assert.equal(readFileSync(`${at.file}.previous`, "utf8"), "rubbish");
  assert.equal(statSync(at.file).size, 10);
});

test("saves that come at once are written in their order, and everybody is told, later", async (t) => {
  const at = place(t);
  const folder = await open(at);
  let within = true;
  const told = Array.from({ length: 20 }, (_, index) =>
    save(folder, { index }).then((problem) => {
      assert.equal(within, false);
      return problem;
    }),
  );
  within = false;
  assert.deepEqual(await Promise.all(told), Array(20).fill(undefined));
  await folder.close();
  assert.deepEqual((await open(at)).load(NAME).content, { index: 19 });
});

test("a save that fails is told, leaves the document, and no rubbish; the next works", async (t) => {
  const at = place(t);
  await written(at, { a: 1 });
  const folder = await open(at);
  renameSync(at.path, `${at.path}-away`);
  t.after(() => rmSync(`${at.path}-away`, { recursive: true, force: true }));
  assert.match((await save(folder, { a: 2 })) ?? "", /ENOENT/);
  renameSync(`${at.path}-away`, at.path);
  assert.deepEqual(readdirSync(at.path), [`${NAME}.json`]);
  assert.equal(await save(folder, { a: 3 }), undefined);
  assert.deepEqual((await open(at)).load(NAME).content, { a: 3 });
});

test("a folder that cannot be made is told as the store's", async (t) => {
  const at = place(t);
  writeFileSync(join(at.path, "file"), "");
  const folder = new DocumentFolder({ path: join(at.path, "file", "documents"), log: at.log });
  await assert.rejects(folder.open([NAME]), StoreError);
});
