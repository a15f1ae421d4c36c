/** The durable journal on a real disk. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { LevelJournalOptions } from "../../../src/store/level-journal.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { KeptLog } from "../../kit/kept-log.ts";

function folder(t: TestContext): { options: LevelJournalOptions; log: KeptLog } {
  const base = mkdtempSync(join(tmpdir(), "midge-store-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const log = new KeptLog();
  return {
    options: { path: join(base, "store"), strict: true, lazyInterval: 3_600_000, log },
    log,
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function settled(): { settle(): void; done: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { settle: resolve, done: promise };
}

async function contents(options: LevelJournalOptions): Promise<string[]> {
  const { journal, records } = await openStore(options);
  await journal.close();
  return records.map(({ key, value }) => `${key}=${new TextDecoder().decode(value)}`);
}

test("what was put is there after a restart, what was deleted is not, the last value counts", async (t) => {
  const { options } = folder(t);
  const { journal, records } = await openStore(options);
  assert.deepEqual(records, []);
  journal.put("b", bytes("1"));
  journal.put("a", bytes("old"));
  journal.put("c", bytes("gone"));
  const first = settled();
  journal.afterCommit(first);
  await first.done;
  journal.put("a", bytes("new"));
  journal.delete("c");
  await journal.close();
  assert.deepEqual(await contents(options), ["a=new", "b=1"]);
});

test("one commit serves everyone who waits", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  const waiting = Array.from({ length: 100 }, (_, n) => {
    journal.put(`k${n}`, bytes("x"));
    const one = settled();
    journal.afterCommit(one);
    return one.done;
  });
  await Promise.all(waiting);
  assert.equal(journal.commits, 1);
  await journal.close();
});

test("with nothing to write, whoever waits is told at once", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  let told = false;
  journal.afterCommit({ settle: () => (told = true) });
  assert.equal(told, true);
  assert.equal(journal.commits, 0);
  await journal.close();
});

test("in interval mode nobody waits for the disk", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore({ ...options, strict: false });
  journal.put("a", bytes("1"));
  let told = false;
  journal.afterCommit({ settle: () => (told = true) });
  assert.equal(told, true);
  assert.equal(journal.commits, 0);
  await journal.close();
  assert.deepEqual(await contents(options), ["a=1"]);
});

test("what is put while a commit runs is in the next one, and in order", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  const order: number[] = [];
  const done: Promise<void>[] = [];
  for (let n = 0; n < 20; n++) {
    journal.put("same", bytes(`${n}`));
    const one = settled();
    journal.afterCommit({
      settle: () => {
        order.push(n);
        one.settle();
      },
    });
    done.push(one.done);
    if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(done);
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, n) => n),
  );
  await journal.close();
  assert.deepEqual(await contents(options), ["same=19"]);
});

test("a store that another process holds is refused in words", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  await assert.rejects(openStore(options), {
    code: "MIDGE_STORE_UNUSABLE",
    message: `store: ${options.path} is in use by another Midge (set by store.path)`,
  });
  await journal.close();
});

test("a store whose manifest is gone is repaired, and what was in it is there", async (t) => {
  const { options, log } = folder(t);
  const { journal } = await openStore(options);
  journal.put("a", bytes("1"));
  await journal.close();
  for (const name of readdirSync(options.path)) {
    if (name.startsWith("MANIFEST") || name === "CURRENT") rmSync(join(options.path, name));
  }
  writeFileSync(join(options.path, "CURRENT"), "MANIFEST-000099\n");
  assert.deepEqual(await contents(options), ["a=1"]);
  assert.equal(
    log.lines.some((line) => line.startsWith("warn: store:")),
    true,
  );
});

test("a log cut off at any byte never keeps the store from opening, and what is whole is recovered", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  for (let n = 0; n < 20; n++) {
    journal.put(`k${String(n).padStart(2, "0")}`, bytes("x".repeat(50)));
    const one = settled();
    journal.afterCommit(one);
    await one.done;
  }
  await journal.close();
  const log = readdirSync(options.path).find((name) => name.endsWith(".log"));
  assert.ok(log);
  let last = 20;
  for (const size of [1400, 1111, 700, 333, 60, 7, 0]) {
    truncateSync(join(options.path, log), size);
    const found = await contentsOfCopy(options);
    assert.ok(
      found.length <= last &&
        found.every((key, n) => key.startsWith(`k${String(n).padStart(2, "0")}=`)),
    );
    last = found.length;
  }
  assert.equal(last, 0);
});

/** Opening rewrites the store, so that a copy is opened. */
async function contentsOfCopy(options: LevelJournalOptions): Promise<string[]> {
  const { cpSync } = await import("node:fs");
  const copy = `${options.path}-copy`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(options.path, copy, { recursive: true });
  return contents({ ...options, path: copy });
}

test("a folder that is not a store but rubbish is set aside, and Midge starts", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  journal.put("a", bytes("1"));
  await journal.close();
  for (const name of readdirSync(options.path))
    writeFileSync(join(options.path, name), "\0".repeat(300));
  const found = await contents(options);
  assert.deepEqual(found, []);
});
