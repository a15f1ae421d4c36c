/** Fills a database: safely, and without all records in one commit. */
import type { StoredRecord } from "../seams/journal.ts";
import type { Database } from "./open-database.ts";

const AT_ONCE = 1000;

/** Durable once it resolves. */
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
  // What is written later is safe only if what was written before is.
  await database.batch(some.length > 0 ? some : [{ type: "del", key: "" }], { sync: true });
}
