/** Fills a database without having all records in one commit. */
import type { StoredRecord } from "../seams/journal.ts";
import type { Database } from "./database.ts";

const AT_ONCE = 1000;

/**
 * They are durable once the database is closed and its files are synced: LevelDB does not sync a log that
 * it has done with.
 */
export async function writeRecords(
  database: Database,
  records: Iterable<StoredRecord>,
): Promise<void> {
  let some: { type: "put"; key: string; value: Uint8Array }[] = [];
  for (const { key, value } of records) {
    some.push({ type: "put", key, value });
    if (some.length < AT_ONCE) continue;
    await database.batch(some);
    some = [];
  }
  if (some.length > 0) await database.batch(some);
}
