/** What the store might be built on, behind one interface, so that the same load measures each. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { ClassicLevel } from "classic-level";

/** A record to be set, or without a value to be deleted. */
export type Change = readonly [key: string, value: Uint8Array | undefined];

export interface StoreCandidate {
  /** Makes the changes durable, all or none. */
  commit(changes: readonly Change[]): Promise<void>;
  /** The number of records that can be read. Rejects where the store cannot be read. */
  count(): Promise<number>;
  close(): Promise<void>;
}

export const CANDIDATES = ["classic-level", "node:sqlite"] as const;
export type CandidateName = (typeof CANDIDATES)[number];

/** Opens or makes the store in a folder that is there. */
export function openCandidate(name: CandidateName, folder: string): Promise<StoreCandidate> {
  return name === "classic-level" ? openLevel(folder) : openSqlite(folder);
}

async function openLevel(folder: string): Promise<StoreCandidate> {
  const db = new ClassicLevel<string, Uint8Array>(join(folder, "level"), { valueEncoding: "view" });
  await db.open();
  return {
    commit: (changes) =>
      db.batch(
        changes.map(([key, value]) =>
          value === undefined
            ? { type: "del" as const, key }
            : { type: "put" as const, key, value },
        ),
        { sync: true },
      ),
    count: async () => (await db.keys().all()).length,
    close: () => db.close(),
  };
}

async function openSqlite(folder: string): Promise<StoreCandidate> {
  const worker = new Worker(join(import.meta.dirname, "store-sqlite-worker.ts"), {
    workerData: join(folder, "store.sqlite"),
  });
  const ask = (request: unknown): Promise<number> =>
    new Promise((resolve, reject) => {
      worker.once("message", (answer: number | string) => {
        if (typeof answer === "number") resolve(answer);
        else reject(new Error(answer));
      });
      worker.postMessage(request);
    });
  return {
    commit: async (changes) => {
      await ask(changes);
    },
    count: () => ask("count"),
    close: async () => {
      await ask("close");
      await worker.terminate();
    },
  };
}
