/** The durable journal on a real disk. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type OpenStoreOptions, openStore } from "../../../src/store/open-store.ts";
import { KeptLog } from "../../kit/kept-log.ts";

function folder(t: TestContext): { options: OpenStoreOptions; log: KeptLog } {
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

async function contents(options: OpenStoreOptions): Promise<string[]> {
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

test("many changes are committed though nobody waits for them", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  for (let n = 0; n < 5000; n++) journal.put(`k${n}`, bytes("x"));
  while (journal.commits === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(journal.bytes > 0);
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

test("retained readings of the same topic cost what the last of them costs", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  for (let n = 0; n < 5000; n++) journal.put("r/hall/temperature", bytes(`21.${n}`));
  assert.equal(journal.unsafe, 1);
  await journal.commit();
  assert.equal(journal.commits, 1);
  assert.ok(journal.bytes < 60, `${journal.bytes} bytes`);
  // Many who wait for updates of one topic share commits, and each commit has the topic once.
  const before = journal.bytes;
  const waiting = Array.from({ length: 200 }, (_, n) => {
    journal.put("r/hall/temperature", bytes(`22.${n}`));
    const one = settled();
    journal.afterCommit(one);
    return one.done;
  });
  await Promise.all(waiting);
  assert.equal(journal.commits, 2);
  assert.ok(journal.bytes - before < 60);
  await journal.close();
});

test("a record that rides along goes with a commit, and makes none of its own", async (t) => {
  const { options } = folder(t);
  let asked = 0;
  const rider = () => ({ key: "!/wear", value: bytes(`${++asked}`) });
  const { journal } = await openStore({ ...options, rider });
  await journal.commit();
  assert.equal(journal.commits + asked, 0);
  journal.put("a", bytes("1"));
  await journal.commit();
  assert.equal(journal.commits, 1);
  await journal.close();
  assert.deepEqual(await contents(options), ["!/wear=1", "a=1"]);
});

test("what is not on the disk yet is counted, with its age", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore({ ...options, strict: false });
  assert.deepEqual([journal.unsafe, journal.unsafeAge], [0, 0]);
  journal.put("a", bytes("1"));
  journal.delete("b");
  assert.equal(journal.unsafe, 2);
  const first = journal.unsafeAge;
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(journal.unsafeAge > first);
  await journal.commit();
  assert.deepEqual([journal.unsafe, journal.unsafeAge], [0, 0]);
  await journal.close();
});

test("in interval mode what was put shows when it is read, committed or not", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore({ ...options, strict: false });
  const read = () =>
    new Promise<string[]>((resolve) =>
      journal.read("a", "z", 10, (records) => resolve(records.map(({ key }) => key))),
    );
  journal.put("b", bytes("1"));
  journal.put("c", bytes("1"));
  assert.deepEqual(await read(), ["b", "c"]);
  const reading = read();
  journal.put("d", bytes("1"));
  journal.delete("b");
  assert.deepEqual(await reading, ["c", "d"]);
  await journal.close();
});

test("a snapshot shows everything that was put, and nothing that comes later", async (t) => {
  const { options } = folder(t);
  const { journal } = await openStore(options);
  for (let n = 0; n < 2500; n++) journal.put(`k${String(n).padStart(4, "0")}`, bytes("x"));
  const records = await journal.snapshot();
  journal.put("later", bytes("x"));
  journal.delete("k0000");
  await journal.commit();
  const keys: string[] = [];
  for await (const some of records) keys.push(...some.map(({ key }) => key));
  assert.equal(keys.length, 2500);
  assert.equal(keys[0], "k0000");
  await journal.close();
});
