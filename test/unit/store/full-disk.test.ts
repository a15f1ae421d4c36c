/** A disk that is full, or takes nothing, at the start and later. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DiskWatch } from "../../../src/store/disk-watch.ts";
import { DocumentFolder } from "../../../src/store/document-folder.ts";
import type { LevelJournal } from "../../../src/store/level-journal.ts";
import { type OpenStoreOptions, openStore } from "../../../src/store/open-store.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { NO_SMALL_DISK, SmallDisk } from "../../kit/small-disk.ts";
import { VirtualClock } from "../../kit/virtual-clock.ts";

const skip = NO_SMALL_DISK;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Stand {
  readonly disk: SmallDisk;
  readonly options: OpenStoreOptions;
  readonly log: KeptLog;
}

/** A disk of 8 MB with a store on it that holds one record. */
async function stand(t: TestContext): Promise<Stand> {
  const disk = new SmallDisk(t, 8_000_000);
  const log = new KeptLog();
  const options = { path: join(disk.path, "store"), strict: true, lazyInterval: 3_600_000, log };
  const { journal } = await openStore(options);
  journal.put("a", bytes("1"));
  await journal.close();
  return { disk, options, log };
}

function settled(journal: LevelJournal): Promise<void> {
  return new Promise((resolve) => journal.afterCommit({ settle: resolve }));
}

/** Resolves when the disk is told to refuse, or to take everything again. */
function told(journal: LevelJournal, refuses: boolean): Promise<void> {
  return new Promise((resolve) => {
    journal.onProblem = (problem) => {
      if ((problem !== undefined) === refuses) resolve();
    };
  });
}

async function contents(options: OpenStoreOptions): Promise<string[]> {
  const { journal, records } = await openStore(options);
  await journal.close();
  return records.map(({ key, value }) => `${key}=${new TextDecoder().decode(value)}`);
}

test("a disk that fills up in operation: nothing is lost, all waits, and goes on once there is room", {
  skip,
}, async (t) => {
  const { disk, options, log } = await stand(t);
  const { journal } = await openStore(options);
  disk.fill();
  const refused = told(journal, true);
  journal.put("b", new Uint8Array(100_000).fill(65));
  let isSettled = false;
  const safe = settled(journal).then(() => {
    isSettled = true;
  });
  await refused;
  assert.equal(journal.full, true);
  assert.match(journal.problem ?? "", /no space/i);
  await assert.rejects(journal.commit(), /no space/i);
  journal.put("c", bytes("3"));
  journal.delete("a");
  assert.equal(isSettled, false);
  const found = await new Promise((resolve) =>
    journal.read("a", "z", 9, (records) => resolve(records.map(({ key }) => key))),
  );
  assert.deepEqual(found, ["b", "c"], "reading goes on, with what waits to be written");
  const works = told(journal, false);
  disk.empty();
  await works;
  await safe;
  assert.equal(journal.full, false);
  await journal.close();
  assert.deepEqual(
    (await contents(options)).map((line) => line.slice(0, 3)),
    ["b=A", "c=3"],
  );
  const lines = log.lines.filter((line) => !line.startsWith("debug"));
  assert.equal(lines.length, 2, lines.join("\n"));
  assert.match(lines[0] ?? "", /^error: store: cannot use .*No space left/i);
  assert.match(lines[1] ?? "", /^notice: store: .* can be used again/);
});

for (const [what, harm, heal] of [
  ["full", (disk: SmallDisk) => disk.fill(), (disk: SmallDisk) => disk.empty()],
  [
    "read-only",
    (disk: SmallDisk) => disk.setReadOnly(true),
    (disk: SmallDisk) => disk.setReadOnly(false),
  ],
] as const) {
  test(`a disk that is ${what} at the start: what is on it is read, and kept once it can be`, {
    skip,
  }, async (t) => {
    const { disk, options } = await stand(t);
    harm(disk);
    const { journal, records } = await openStore(options);
    assert.deepEqual(
      records.map(({ key }) => key),
      ["a"],
    );
    assert.equal(journal.full, true);
    journal.put("b", bytes("2"));
    const works = told(journal, false);
    heal(disk);
    await works;
    await settled(journal);
    await journal.close();
    assert.deepEqual(await contents(options), ["a=1", "b=2"]);
  });

  test(`a disk that is ${what} and empty at the start: it begins with nothing`, {
    skip,
  }, async (t) => {
    const disk = new SmallDisk(t, 8_000_000);
    const log = new KeptLog();
    harm(disk);
    const path = join(disk.path, "data", "store");
    const { journal, records } = await openStore({
      path,
      strict: true,
      lazyInterval: 3_600_000,
      log,
    });
    assert.deepEqual(records, []);
    // An empty folder takes no room on this file system.
    if (what === "read-only") assert.equal(journal.full, true);
    await journal.close();
  });

  test(`documents on a disk that is ${what} are read, saves are refused in words, and then work`, {
    skip,
  }, async (t) => {
    const disk = new SmallDisk(t, 2_000_000);
    const log = new KeptLog();
    const open = async () => {
      const folder = new DocumentFolder({ path: join(disk.path, "documents"), log });
      await folder.open(["people"]);
      return folder;
    };
    const save = (folder: DocumentFolder, content: unknown) =>
      new Promise<string | undefined>((resolve) => folder.save("people", content, resolve));
    assert.equal(await save(await open(), { a: 1 }), undefined);
    harm(disk);
    const folder = await open();
    assert.deepEqual(folder.load("people").content, { a: 1 });
    assert.match((await save(folder, { a: "x".repeat(10_000) })) ?? "", /ENOSPC|EROFS/);
    assert.deepEqual((await open()).load("people").content, { a: 1 });
    heal(disk);
    assert.equal(await save(folder, { a: 2 }), undefined);
    assert.deepEqual((await open()).load("people").content, { a: 2 });
  });
}

test("a process that ends while the disk is full says what is lost, and ends", {
  skip,
}, async (t) => {
  const { disk, options, log } = await stand(t);
  const { journal } = await openStore(options);
  disk.fill();
  const refused = told(journal, true);
  journal.put("b", new Uint8Array(100_000));
  void settled(journal);
  await refused;
  await journal.close();
  assert.ok(log.lines.some((line) => /^error: store: 1 changes could not be written/.test(line)));
  disk.empty();
  assert.deepEqual(await contents(options), ["a=1"]);
});

test("where a store cannot be because of a mistake, that is an error and not a full disk", async (t) => {
  const base = mkdtempSync(join(tmpdir(), "midge-mistake-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  writeFileSync(join(base, "file"), "");
  const path = join(base, "file", "store");
  const options = { path, strict: true, lazyInterval: 1000, log: new KeptLog() };
  await assert.rejects(openStore(options), { code: "MIDGE_STORE_UNUSABLE" });
});

test("store.reserve: below it the disk counts as full, until there is more than it again", {
  skip,
}, async (t) => {
  const disk = new SmallDisk(t, 8_000_000);
  const clock = new VirtualClock();
  const changes: boolean[] = [];
  const log = new KeptLog();
  let reserve = 1_000_000;
  const watch = new DiskWatch({
    path: disk.path,
    reserve: () => reserve,
    low: (isLow) => changes.push(isLow),
    scheduler: clock.scheduler,
    log,
  });
  await watch.start();
  assert.deepEqual(changes, []);
  disk.fill(500_000);
  await watch.look();
  assert.deepEqual(changes, [true]);
  assert.equal(await watch.hasRoom(), true, "what is reserved is there to make room with");
  disk.empty();
  disk.fill(1_050_000);
  await watch.look();
  assert.deepEqual(changes, [true], "as much as the reserve is not enough to go on with");
  disk.empty();
  await watch.look();
  assert.deepEqual(changes, [true, false]);
  assert.match(log.lines[0] ?? "", /^error: store: only \d+ bytes are free .*store\.reserve/);
  reserve = 0;
  disk.fill();
  assert.equal(await watch.hasRoom(), false);
  assert.deepEqual(changes, [true, false], "there is no reserve to reach");
  watch.stop();
});
