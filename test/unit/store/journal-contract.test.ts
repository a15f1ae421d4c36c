/** What every journal keeps to: the one on LevelDB, and the one in memory that simulations use. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Journal, StoredRecord } from "../../../src/seams/journal.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { MemoryDisk } from "../../kit/memory-disk.ts";

/** A place that journals are opened on, one after the other. */
interface Place {
  open(): Promise<{ journal: Journal; records: readonly StoredRecord[] }>;
  /** Has what was put committed sooner or later, without anybody waiting for it. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

function onLevel(t: TestContext): Place {
  const base = mkdtempSync(join(tmpdir(), "midge-journal-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const options = { path: join(base, "store"), strict: true, lazyInterval: 3_600_000 };
  let current: Awaited<ReturnType<typeof openStore>> | undefined;
  return {
    open: async () => {
      current = await openStore({ ...options, log: new KeptLog() });
      return current;
    },
    commit: async () => current?.journal.commit(),
    close: async () => current?.journal.close(),
  };
}

function inMemory(): Place {
  const disk = new MemoryDisk();
  let timer: NodeJS.Immediate | undefined;
  const commitSoon = (): void => {
    timer = setImmediate(() => {
      if (disk.awaited) disk.commit();
      commitSoon();
    });
  };
  return {
    open: async () => {
      commitSoon();
      const records = disk.records();
      return { journal: disk.open(), records };
    },
    commit: async () => disk.commit(),
    close: async () => {
      clearImmediate(timer);
      disk.commit();
      disk.crash();
    },
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function shown(records: readonly StoredRecord[]): string[] {
  return records.map(({ key, value }) => `${key}=${new TextDecoder().decode(value)}`);
}

function settled(journal: Journal): Promise<void> {
  return new Promise((resolve) => journal.afterCommit({ settle: resolve }));
}

function read(journal: Journal, from: string, to: string, limit: number): Promise<string[]> {
  return new Promise((resolve) =>
    journal.read?.(from, to, limit, (records) => resolve(shown(records))),
  );
}

for (const [name, place] of [
  ["LevelDB", onLevel],
  ["memory", inMemory],
] as const) {
  test(`${name}: what was put is there when opened again, what was deleted is not, the last change counts`, async (t) => {
    const at = place(t);
    const { journal, records } = await at.open();
    assert.deepEqual(records, []);
    journal.put("b", bytes("1"));
    journal.put("a", bytes("old"));
    journal.put("gone", bytes("x"));
    journal.put("back", bytes("x"));
    journal.delete("never");
    await settled(journal);
    journal.put("a", bytes("new"));
    journal.delete("gone");
    journal.delete("back");
    journal.put("back", bytes("y"));
    journal.put("brief", bytes("z"));
    journal.delete("brief");
    await at.close();
    assert.deepEqual(shown((await at.open()).records), ["a=new", "b=1", "back=y"]);
    await at.close();
  });

  test(`${name}: records come in the order of their keys' bytes`, async (t) => {
    const at = place(t);
    const { journal } = await at.open();
    const keys = [
      "q/b\x000a",
      "q/a\x00",
      "q/a",
      "q/ä",
      "q/a\x000b",
      "q/\u{1f600}",
      "q/\uffee",
      "r/",
    ];
    for (const key of keys) journal.put(key, bytes("v"));
    await at.close();
    const found = (await at.open()).records.map(({ key }) => key);
    const sorted = keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(found, sorted);
    await at.close();
  });

  test(`${name}: who waits is told in order, each once, and not before what came earlier is safe`, async (t) => {
    const at = place(t);
    const { journal } = await at.open();
    const told: number[] = [];
    const all: Promise<void>[] = [];
    for (let n = 0; n < 30; n++) {
      journal.put(`k${n % 7}`, bytes(`${n}`));
      all.push(
        new Promise((resolve) =>
          journal.afterCommit({
            settle: () => {
              told.push(n);
              resolve();
            },
          }),
        ),
      );
      if (n % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
    assert.deepEqual(
      told,
      Array.from({ length: 30 }, (_, n) => n),
    );
    await at.close();
  });

  test(`${name}: who is told may put, delete and wait again`, async (t) => {
    const at = place(t);
    const { journal } = await at.open();
    journal.put("a", bytes("1"));
    await new Promise<void>((resolve) => {
      journal.afterCommit({
        settle: () => {
          journal.put("b", bytes("2"));
          journal.delete("a");
          journal.afterCommit({ settle: resolve });
        },
      });
    });
    await at.close();
    assert.deepEqual(shown((await at.open()).records), ["b=2"]);
    await at.close();
  });

  test(`${name}: a value that is empty, large, or of any bytes comes back as it was`, async (t) => {
    const at = place(t);
    const { journal } = await at.open();
    const values = [
      new Uint8Array(0),
      Uint8Array.from({ length: 256 }, (_, n) => n),
      Uint8Array.from({ length: 300_000 }, (_, n) => (n * 7919) % 251),
    ];
    for (const [n, value] of values.entries()) journal.put(`k${n}`, value.slice());
    await at.close();
    const { records } = await at.open();
    assert.equal(records.length, values.length);
    for (const [n, { value }] of records.entries()) {
      assert.equal(Buffer.compare(value, values[n] as Uint8Array), 0);
    }
    await at.close();
  });

  test(`${name}: a part can be read back, from one key to before another, so many at most`, async (t) => {
    const at = place(t);
    const { journal } = await at.open();
    for (let n = 0; n < 20; n++) journal.put(`q/${String(n).padStart(2, "0")}`, bytes(`${n}`));
    journal.put("r/", bytes("other"));
    await settled(journal);
    assert.deepEqual(await read(journal, "q/05", "q/08", 100), ["q/05=5", "q/06=6", "q/07=7"]);
    assert.deepEqual(await read(journal, "q/05", "q/99", 2), ["q/05=5", "q/06=6"]);
    assert.deepEqual(await read(journal, "q/20", "q/99", 5), []);
    journal.delete("q/06");
    journal.put("q/07", bytes("new"));
    await settled(journal);
    assert.deepEqual(await read(journal, "q/05", "q/09", 3), ["q/05=5", "q/07=new", "q/08=8"]);
    await at.close();
  });

  test(`${name}: many times opened, changed and closed, it has what a plain map has`, async (t) => {
    const at = place(t);
    const expected = new Map<string, string>();
    let seed = 1;
    const dice = (sides: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % sides;
    };
    for (let life = 0; life < 6; life++) {
      const { journal, records } = await at.open();
      assert.deepEqual(
        shown(records),
        [...expected].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`),
      );
      for (let step = 0; step < 200; step++) {
        const key = `k${dice(40)}`;
        if (dice(3) === 0) {
          journal.delete(key);
          expected.delete(key);
        } else {
          const value = `${life}.${step}`;
          journal.put(key, bytes(value));
          expected.set(key, value);
        }
        if (dice(20) === 0) await settled(journal);
        if (dice(50) === 0) await at.commit();
      }
      await at.close();
    }
  });
}
