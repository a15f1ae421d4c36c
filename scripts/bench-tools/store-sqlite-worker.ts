/** The thread in which SQLite commits, since its calls wait for the disk. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { Change } from "./store-candidates.ts";

const db = new DatabaseSync(workerData as string);
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
db.exec("CREATE TABLE IF NOT EXISTS record (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID");
const put = db.prepare("INSERT OR REPLACE INTO record VALUES (?, ?)");
const del = db.prepare("DELETE FROM record WHERE key = ?");

function commit(changes: readonly Change[]): void {
  db.exec("BEGIN");
  for (const [key, value] of changes) {
    if (value === undefined) del.run(key);
    else put.run(key, value);
  }
  db.exec("COMMIT");
}

function answer(request: readonly Change[] | "count" | "close"): number {
  if (request === "count") return db.prepare("SELECT key, value FROM record").all().length;
  if (request === "close") db.close();
  else commit(request);
  return 0;
}

parentPort?.on("message", (request: readonly Change[] | "count" | "close") => {
  let result: number | string;
  try {
    result = answer(request);
  } catch (error) {
    result = (error as Error).message;
  }
  parentPort?.postMessage(result);
});
