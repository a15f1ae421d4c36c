/** What every journal promises: the durable one on LevelDB, and the one in memory that tests use in its place. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import type { Journal, StoredRecord } from "../../../src/seams/journal.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { KeptLog } from "../../kit/kept-log.ts";
import { MemoryDisk } from "../../kit/memory-disk.ts";

interface Stand {
  readonly journal: Journal;
  /** Lets the disk do what it has to, for those who wait. */
  commit(): void;
  /** The process ends, and another begins; answers what that finds. */
  restart(): Promise<readonly StoredRecord[]>;
  close(): Promise<void>;
}

function inMemory(): Promise<Stand> {
  const disk = new MemoryDisk();
  let journal = disk.open();
  return Promise.resolve({
    get journal() {
      return journal;
    },
    commit: () => disk.commit(),
    restart: () => {
      disk.crash();
      journal = disk.open();
      return Promise.resolve(disk.records());
    },
    close: () => Promise.resolve(),
  });
}

async function onLevelDb(t: TestContext): Promise<Stand> {
  const base = mkdtempSync(join(tmpdir(), "midge-journal-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const options = {
    path: join(base, "store"),
    strict: true,
    lazyInterval: 3_600_000,
    log: new KeptLog(),
  };
  let store = await openStore(options);
  return {
    get journal() {
      return store.journal;
    },
    commit: () => {},
    restart: async () => {
      await store.journal.close();
      store = await openStore(options);
      return store.records;
    },
    close: () => store.journal.close(),
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const shown = (records: readonly StoredRecord[]): string[] =>
  records.map(({ key, value }) => `${key}=${new TextDecoder().decode(value)}`);

function durable({ journal, commit }: Stand): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  journal.afterCommit({ settle: resolve });
  commit();
  return promise;
}

function read(
  { journal }: Stand,
  from: string,
  to: string,
  limit: number,
): Promise<readonly StoredRecord[]> {
  return new Promise((resolve) => {
    assert.ok(journal.read);
    journal.read(from, to, limit, resolve);
  });
}

type Step =
  | { readonly put: string; readonly value: string }
  | { readonly delete: string }
  | { readonly read: readonly [from: string, to: string, limit: number] }
  | { readonly do: "wait" | "restart" };

// Also keys whose order in UTF-16 is not that of their bytes.
const key = fc
  .array(fc.constantFrom("a", "b", "\0", "é", "\ue000", "😀"), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(""));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ put: key, value: fc.constantFrom("1", "2", "x".repeat(50)) }),
  },
  { weight: 3, arbitrary: fc.record({ delete: key }) },
  {
    weight: 3,
    arbitrary: fc.tuple(key, key, fc.nat({ max: 4 })).map((range) => ({ read: range })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("wait", "wait", "restart").map((what) => ({ do: what })),
  },
) as fc.Arbitrary<Step>;

const inBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function carryOut(stand: Stand, steps: readonly Step[]): Promise<void> {
  const model = new Map<string, string>();
  const expected = (): string[] =>
    [...model].sort(([a], [b]) => inBytes(a, b)).map(([name, value]) => `${name}=${value}`);
  for (const one of steps) {
    if ("put" in one) {
      stand.journal.put(one.put, bytes(one.value));
      model.set(one.put, one.value);
    } else if ("delete" in one) {
      stand.journal.delete(one.delete);
      model.delete(one.delete);
    } else if ("read" in one) {
      const [from, to, limit] = one.read;
      await durable(stand);
      const within = [...model.keys()].filter(
        (name) => inBytes(name, from) >= 0 && inBytes(name, to) < 0,
      );
      const first = new Set(within.sort(inBytes).slice(0, limit + 1));
      assert.deepEqual(
        shown(await read(stand, from, to, limit + 1)),
        expected().filter((line) => first.has(line.slice(0, line.indexOf("=")))),
      );
    } else {
      await durable(stand);
      if (one.do === "restart") assert.deepEqual(shown(await stand.restart()), expected());
    }
  }
}

for (const [name, open, numRuns] of [
  ["in memory", inMemory, 300],
  ["on LevelDB", onLevelDb, 25],
] as const) {
  describe(`a journal ${name}`, () => {
    it("is told of the commit after all that was put before, in the order of asking", async (t) => {
      const stand = await open(t);
      const told: number[] = [];
      const all = [1, 2, 3].map((n) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        stand.journal.put(`k${n}`, bytes(`${n}`));
        stand.journal.afterCommit({
          settle: () => {
            told.push(n);
            resolve();
          },
        });
        return promise;
      });
      stand.commit();
      await Promise.all(all);
      assert.deepEqual(told, [1, 2, 3]);
      assert.deepEqual(shown(await stand.restart()), ["k1=1", "k2=2", "k3=3"]);
      await stand.close();
    });

    it("tells who waits also where nothing is to be written", async (t) => {
      const stand = await open(t);
      await durable(stand);
      await durable(stand);
      assert.deepEqual(shown(await stand.restart()), []);
      await stand.close();
    });

    it("shows what is durable, by range and in the order of bytes, over restarts too", async (t) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const stand = await open(t);
          await carryOut(stand, steps);
          await stand.close();
        }),
        { numRuns },
      );
    });
  });
}
