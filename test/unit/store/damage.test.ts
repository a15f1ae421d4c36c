/**
 * A store whose files were cut off, overwritten or lost anywhere opens all the same, with what is whole
 * and with nothing that nobody wrote; the damaged files are set aside and told of.
 * MIDGE_DAMAGE=N damages each file at N places instead of 3.
 */
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ClassicLevel } from "classic-level";
import { damagedFolders } from "../../../src/store/open-database.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { recoverRecords } from "../../../src/store/recovered-records.ts";
import { KeptLog } from "../../kit/kept-log.ts";

const PLACES = Number(process.env.MIDGE_DAMAGE ?? 3);
const SECTOR = 512;

let scratch = "";
let whole = "";
/** Every value that a key ever had. */
const history = new Map<string, Set<string>>();
const truth = new Map<string, string>();

/** A store with tables of several levels, logs, deleted records and long ones, as a power cut leaves it. */
before(async () => {
  scratch = mkdtempSync(join(tmpdir(), "midge-damage-"));
  whole = join(scratch, "whole");
  const path = join(scratch, "made");
  let written = 0;
  for (let life = 0; life < 3; life++) {
    const database = new ClassicLevel<string, string>(path);
    for (let commit = 0; commit < 120; commit++) {
      const changes = Array.from({ length: 25 }, () => {
        const n = written++;
        const key = `q/client\x00${(n % 4000).toString(16).padStart(12, "0")}`;
        if (n % 11 === 10) {
          truth.delete(key);
          return { type: "del" as const, key };
        }
        const value = `${n} `.repeat(n % 150 === 0 ? 8000 : 5 + (n % 40));
        truth.set(key, value);
        const before = history.get(key) ?? new Set();
        history.set(key, before.add(value));
        return { type: "put" as const, key, value };
      });
      await database.batch(changes, { sync: commit % 40 === 0 });
    }
    if (life === 0) await database.compactRange("a", "z");
    if (life === 2) cpSync(path, whole, { recursive: true });
    await database.close();
  }
});

after(() => rmSync(scratch, { recursive: true, force: true }));

interface Outcome {
  readonly found: ReadonlyMap<string, string>;
  readonly log: readonly string[];
  readonly aside: readonly string[];
  readonly data: string;
}

/** Opens a copy of the store that `harm` was done to; twice, as what was made of it must be whole. */
async function open(harm: (store: string) => void): Promise<Outcome> {
  const data = mkdtempSync(join(scratch, "data-"));
  const store = join(data, "store");
  cpSync(whole, store, { recursive: true });
  harm(store);
  const log = new KeptLog();
  const options = { path: store, strict: true, lazyInterval: 3_600_000 };
  const first = await openStore({ ...options, log });
  first.journal.put("new", new TextEncoder().encode("after"));
  await first.journal.close();
  const again = new KeptLog();
  const second = await openStore({ ...options, log: again });
  await second.journal.close();
  assert.deepEqual(again.lines, []);
  const decode = (value: Uint8Array): string => new TextDecoder().decode(value);
  const found = new Map(first.records.map(({ key, value }) => [key, decode(value)]));
  const later = new Map(second.records.map(({ key, value }) => [key, decode(value)]));
  assert.equal(later.get("new"), "after");
  later.delete("new");
  assert.deepEqual(later, found);
  return { found, log: log.lines, aside: damagedFolders(data), data };
}

/** Nothing that was never written, not too much lost, and whoever lost something was told. */
function check({ found, log, aside, data }: Outcome, mostLost: number, what: string): void {
  let lost = 0;
  for (const [key, value] of truth) if (found.get(key) !== value) lost++;
  for (const [key, value] of found) {
    assert.ok(history.get(key)?.has(value), `${what}: ${key} was never so`);
    if (!truth.has(key)) lost++;
  }
  assert.ok(lost <= mostLost, `${what}: ${lost} of ${truth.size} lost`);
  if (lost > 0) assert.ok(log.length > 0, `${what}: nobody was told`);
  if (aside.length === 0) return;
  assert.ok(
    log.some((line) => line.startsWith("error: store: recovered")),
    what,
  );
  assert.ok(existsSync(join(data, aside[0] as string, "store")), what);
  assert.match(readFileSync(join(data, aside[0] as string, "REPORT.txt"), "utf8"), /damaged/);
}

function files(ending: RegExp): string[] {
  return readdirSync(whole).filter((name) => ending.test(name));
}

function places(size: number): number[] {
  return Array.from({ length: PLACES }, (_, n) => Math.floor((size * (n + 0.5)) / PLACES));
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const content = readFileSync(path);
  content.set(bytes.subarray(0, content.length - at), at);
  writeFileSync(path, content);
}

test("a store that a power cut left whole opens whole, without a word", async () => {
  const outcome = await open(() => {});
  assert.deepEqual(outcome.found, truth);
  assert.deepEqual(outcome.log, []);
  assert.deepEqual(outcome.aside, []);
  assert.ok(files(/\.ldb$/).length > 1, "it has tables");
});

test("the files read without LevelDB have what LevelDB has", () => {
  const { records, damage, torn } = recoverRecords(whole);
  assert.deepEqual([damage, torn], [[], []]);
  const found = new Map(records.map(({ key, value }) => [key, new TextDecoder().decode(value)]));
  assert.deepEqual(found, truth);
});

test("a flipped bit anywhere costs at most what stands in one block with it", async () => {
  for (const name of files(/\.(ldb|log)$/)) {
    for (const at of places(statSync(join(whole, name)).size)) {
      const outcome = await open((store) => {
        const byte = readFileSync(join(store, name))[at] as number;
        overwrite(join(store, name), at, Uint8Array.of(byte ^ (1 << (at % 8))));
      });
      check(outcome, 300, `${name} at ${at}`);
    }
  }
});

test("a sector of zeros anywhere costs at most what stands in the blocks around it", async () => {
  for (const name of files(/\.(ldb|log)$/)) {
    for (const at of places(statSync(join(whole, name)).size)) {
      const outcome = await open((store) =>
        overwrite(join(store, name), at - (at % SECTOR), new Uint8Array(SECTOR)),
      );
      check(outcome, 500, `${name} at ${at}`);
    }
  }
});

test("a table that is cut off anywhere is read as far as it goes", async () => {
  for (const name of files(/\.ldb$/)) {
    const { size } = statSync(join(whole, name));
    for (const at of [...places(size), size - 1, 0]) {
      const outcome = await open((store) => truncateSync(join(store, name), at));
      assert.equal(outcome.aside.length, 1, name);
      check(outcome, truth.size, `${name} cut at ${at}`);
      // Whole blocks need no index to be found.
      if (at === size - 1) check(outcome, 0, `${name} cut at ${at}`);
    }
  }
});

test("a log that is cut off anywhere loses what came after, and is not called damaged", async () => {
  for (const name of files(/\.log$/)) {
    const { size } = statSync(join(whole, name));
    let before = truth.size + 1;
    for (const at of [size - 1, ...places(size).reverse(), 0]) {
      const outcome = await open((store) => truncateSync(join(store, name), at));
      assert.deepEqual(outcome.aside, [], name);
      check({ ...outcome, log: ["-"] }, truth.size, `${name} cut at ${at}`);
      const right = [...truth].filter(([key, value]) => outcome.found.get(key) === value).length;
      assert.ok(right <= before, "the more is cut off, the less is there");
      before = right;
    }
  }
});

test("a log with zeros to its end, as file systems leave it, loses what was never written", async () => {
  for (const name of files(/\.log$/)) {
    const outcome = await open((store) => {
      writeFileSync(join(store, name), new Uint8Array(5000), { flag: "a" });
    });
    assert.deepEqual(outcome.found, truth);
    assert.deepEqual(outcome.aside, []);
  }
});

for (const [what, harm] of [
  ["is gone", (file: string) => rmSync(file)],
  ["is empty", (file: string) => truncateSync(file, 0)],
  ["is zeros", (file: string) => writeFileSync(file, new Uint8Array(statSync(file).size))],
  ["is rubbish", (file: string) => writeFileSync(file, "MANIFEST-\xff\n".repeat(50))],
  ["is cut in half", (file: string) => truncateSync(file, statSync(file).size >> 1)],
  [
    "is a folder",
    (file: string) => {
      rmSync(file);
      mkdirSync(file);
    },
  ],
  [
    "has a flipped bit",
    (file: string) => {
      const bytes = readFileSync(file);
      const at = bytes.length >> 1;
      if (at < bytes.length) overwrite(file, at, Uint8Array.of((bytes[at] as number) ^ 4));
    },
  ],
] as const) {
  for (const name of ["CURRENT", "MANIFEST", "LOCK", "LOG"]) {
    test(`where ${name} ${what}, every record is there still`, async () => {
      const outcome = await open((store) => {
        const file = readdirSync(store).find((one) => one.startsWith(name)) ?? name;
        harm(join(store, file));
      });
      const isKnown = (key: string) => truth.get(key) === outcome.found.get(key);
      assert.deepEqual(
        [...truth.keys()].filter((key) => !isKnown(key)),
        [],
      );
      check(outcome, truth.size, name);
    });
  }
}

test("a table that is gone is told of, and costs what stood in it alone", async () => {
  for (const name of files(/\.ldb$/)) {
    const outcome = await open((store) => rmSync(join(store, name)));
    assert.equal(outcome.aside.length, 1);
    check(outcome, truth.size, name);
  }
});

test("where every file is rubbish it begins empty, and the rubbish is set aside", async () => {
  const outcome = await open((store) => {
    for (const name of readdirSync(store)) writeFileSync(join(store, name), "\0".repeat(300));
  });
  assert.equal(outcome.found.size, 0);
  assert.equal(outcome.aside.length, 1);
});

test("a file in the place of the store's folder is set aside", async () => {
  const outcome = await open((store) => {
    rmSync(store, { recursive: true });
    writeFileSync(store, "not a folder");
  });
  assert.equal(outcome.found.size, 0);
  assert.equal(outcome.aside.length, 1);
});

test("a power cut in the midst of a recovery is survived, at each of its steps", async () => {
  // Before the damaged folder was moved: what had been made of it is made anew.
  const early = await open((store) => {
    cpSync(store, `${store}.recovered`, { recursive: true });
    rmSync(join(store, "CURRENT"));
    rmSync(join(`${store}.recovered`, "CURRENT"));
  });
  check(early, truth.size, "early");
  assert.equal(existsSync(join(early.data, "store.recovered")), false);
  // After it was moved: what was made of it is taken up.
  const late = await open((store) => {
    cpSync(store, `${store}.recovered`, { recursive: true });
    rmSync(store, { recursive: true });
  });
  assert.deepEqual(late.found, truth);
  assert.deepEqual(late.aside, []);
});
