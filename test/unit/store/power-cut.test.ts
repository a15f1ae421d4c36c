/** What a power cut leaves is told from damage, and what LevelDB would lose by it is not lost. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { crc32c } from "../../../src/bytes/crc32c.ts";
import { CommitOrder } from "../../../src/store/leveldb/commit-order.ts";
import { maskedChecksum } from "../../../src/store/leveldb/little-reader.ts";
import { readLog } from "../../../src/store/leveldb/log-file.ts";
import { readVersion } from "../../../src/store/leveldb/version.ts";
import { damagedFolders, openLevel } from "../../../src/store/open-database.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { KeptLog } from "../../kit/kept-log.ts";

const BLOCK = 32_768;
const HEADER = 7;
const FULL = 1;
/** The least that LevelDB takes: a table is made of every 64 kB. */
const writeBufferSize = 65_536;

function scratch(t: TestContext): { data: string; path: string } {
  const data = mkdtempSync(join(tmpdir(), "midge-cut-"));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  return { data, path: join(data, "store") };
}

interface Opened {
  readonly keys: readonly string[];
  readonly lines: readonly string[];
  readonly aside: readonly string[];
}

async function open(path: string): Promise<Opened> {
  const log = new KeptLog();
  const { journal, records } = await openStore({
    path,
    strict: true,
    lazyInterval: 3_600_000,
    log,
  });
  await journal.close();
  const keys = records.map(({ key }) => key);
  return { keys, lines: log.lines, aside: damagedFolders(join(path, "..")) };
}

/** A store of `count` records of 1000 bytes each. */
async function make(path: string, count: number): Promise<string[]> {
  const database = await openLevel(path, { writeBufferSize });
  const keys = Array.from({ length: count }, (_, n) => `k${String(n).padStart(5, "0")}`);
  for (const [n, key] of keys.entries()) {
    const value = new Uint8Array(1000).fill(n);
    await database.batch([{ type: "put", key, value }], { sync: true });
  }
  await database.close();
  return keys;
}

function fileOf(path: string, form: RegExp): string {
  const name = readdirSync(path).find((one) => form.test(one));
  assert.ok(name !== undefined, `${form} in ${readdirSync(path)}`);
  return join(path, name);
}

function fragment(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + payload.length);
  bytes.set([0, 0, 0, 0, payload.length & 255, payload.length >> 8, type]);
  bytes.set(payload, HEADER);
  new DataView(bytes.buffer).setUint32(0, maskedChecksum(crc32c(bytes, 6)), true);
  return bytes;
}

/** A commit of one deletion, with that number, and filled up to so many bytes. */
function commit(sequence: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([sequence, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  return bytes;
}

test("a log that is begun has its folder synced before a commit in it is said to be safe", async (t) => {
  const { path } = scratch(t);
  const named = new Set<string>();
  const syncNames = async (folder: string): Promise<void> => {
    for (const name of readdirSync(folder)) named.add(name);
  };
  const database = await openLevel(path, { writeBufferSize, syncNames });
  const logs = new Set<string>();
  for (let n = 0; n < 200; n++) {
    const change = { type: "put", key: `k${n}`, value: new Uint8Array(2000) } as const;
    await database.batch([change], { sync: true });
    const [log] = readdirSync(path)
      .filter((name) => name.endsWith(".log"))
      .slice(-1);
    assert.ok(named.has(log as string), `${log} at ${n}`);
    logs.add(log as string);
  }
  assert.ok(logs.size > 3);
  await database.close();
});

test("where the end of a manifest is lost, the tables that it told of are read all the same", async (t) => {
  const { path } = scratch(t);
  const keys = await make(path, 100);
  const manifest = fileOf(path, /^MANIFEST/);
  const bytes = readFileSync(manifest);
  const tables = readVersion(bytes)?.tables.size ?? 0;
  assert.ok(tables > 0, "a table was made");
  let end = bytes.length - 1;
  while (readVersion(bytes.subarray(0, end))?.tables.size === tables) end--;
  writeFileSync(manifest, bytes.subarray(0, end));
  const { keys: found, aside } = await open(path);
  assert.deepEqual(found, keys);
  assert.equal(aside.length, 1);
});

test("a manifest with garbage at its end is no damage", async (t) => {
  const { path } = scratch(t);
  const keys = await make(path, 100);
  const garbage = fragment(FULL, new Uint8Array(40)).fill(7, HEADER);
  writeFileSync(fileOf(path, /^MANIFEST/), garbage, { flag: "a" });
  assert.deepEqual(await open(path), { keys, lines: [], aside: [] });
  assert.deepEqual(await open(path), { keys, lines: [], aside: [] });
});

test("a store that was being made when the power went is made anew, without a word", async (t) => {
  for (const content of ["", "\0".repeat(50), "rubbish"]) {
    const { path } = scratch(t);
    await make(path, 0);
    const manifest = fileOf(path, /^MANIFEST/);
    writeFileSync(join(path, "MANIFEST-000001"), content);
    writeFileSync(join(path, "CURRENT"), "MANIFEST-000001\n");
    assert.deepEqual(await open(path), { keys: [], lines: [], aside: [] }, JSON.stringify(content));
    assert.deepEqual(await open(path), { keys: [], lines: [], aside: [] });
    // One that was in use has a second manifest, which CURRENT names.
    rmSync(manifest, { force: true });
    rmSync(join(path, "CURRENT"));
    assert.equal((await open(path)).aside.length, 1);
  }
});

test("the end of a log that another one follows was not cut off by a power cut", async (t) => {
  const { path } = scratch(t);
  await make(path, 10);
  const log = fileOf(path, /\.log$/);
  const bytes = readFileSync(log);
  const next = log.replace(
    /(\d+)\.log$/,
    (_, number: string) => `${String(Number(number) + 1).padStart(6, "0")}.log`,
  );
  // The last half of its commits are in the log that follows.
  const size = bytes.length / 10;
  writeFileSync(next, bytes.subarray(5 * size));
  writeFileSync(log, bytes.subarray(0, 4.5 * size));
  const { keys, aside, lines } = await open(path);
  assert.equal(keys.length, 9);
  assert.equal(aside.length, 1);
  assert.match(lines[1] ?? "", /error: .*cut off at byte/);
});

test("zeros up to a block's end are damage where something follows", () => {
  const whole = fragment(FULL, commit(1, BLOCK - HEADER));
  const last = fragment(FULL, commit(3, 20));
  const zeros = new Uint8Array(BLOCK);
  const { damaged, records, tornAt } = readLog(Buffer.concat([whole, zeros, last]));
  assert.deepEqual([damaged, records.length, tornAt], [[BLOCK], 2, undefined]);
  assert.deepEqual(readLog(Buffer.concat([whole, zeros])).damaged, []);
  // Up to six bytes are too few for anything.
  const short = fragment(FULL, commit(1, BLOCK - HEADER - 6));
  assert.deepEqual(readLog(Buffer.concat([short, new Uint8Array(6), last])).damaged, []);
});

test("behind a damaged place a commit counts by its number, not by its look", () => {
  const [first, lost] = [fragment(FULL, commit(5, 20)), fragment(FULL, commit(6, 40))];
  lost[HEADER + 30] = 1;
  const read = (sequence: number, harm = lost) => {
    const bytes = Buffer.concat([first, harm, fragment(FULL, commit(sequence, 20))]);
    const { records, damaged, tornAt } = readLog(bytes, new CommitOrder(5));
    return { count: records.length, damaged, tornAt };
  };
  const at = first.length;
  assert.deepEqual(read(7), { count: 2, damaged: [at], tornAt: undefined });
  for (const forged of [1, 5, 99]) {
    assert.deepEqual(read(forged), { count: 1, damaged: [], tornAt: at }, `${forged}`);
  }
  // Where the length is damaged, the next is not taken up, but known to be there.
  const harmed = Uint8Array.from(lost);
  harmed[4] = 200;
  assert.deepEqual(read(7, harmed), { count: 1, damaged: [at], tornAt: undefined });
  assert.deepEqual(read(99, harmed), { count: 1, damaged: [], tornAt: at });
});
