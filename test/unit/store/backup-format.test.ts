/** Backups: what goes in comes out, and what is damaged is never taken for whole. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { before, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  type BackupEntry,
  BackupError,
  backupLines,
  readBackup,
  refusedBackup,
} from "../../../src/store/backup-format.ts";

const RECORDS = [
  { key: "q/a\x00000000000001", value: Uint8Array.from({ length: 256 }, (_, n) => n) },
  { key: 'r/\u2028line\u2029\u{1f600}ä"\\', value: new Uint8Array(0) },
  { key: "s/a", value: new Uint8Array(100_000).fill(7) },
];
const DOCUMENTS = [["people", { list: [1, "zwei\u2028", null] }]] as const;

async function made(): Promise<Buffer> {
  const lines = backupLines({
    version: "1.2.3",
    created: "2026-01-01T00:00:00.000Z",
    documents: DOCUMENTS,
    records: [RECORDS.slice(0, 2), RECORDS.slice(2)],
  });
  let text = "";
  for await (const some of lines) text += some;
  return gzipSync(text);
}

/** In parts of several sizes, as sockets and files give them. */
async function read(bytes: Uint8Array): Promise<{ entries: BackupEntry[]; version: string }> {
  const entries: BackupEntry[] = [];
  const parts: Uint8Array[] = [];
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 3) % 1021) {
    parts.push(bytes.subarray(at, at + size));
  }
  const { version } = await readBackup(Readable.from(parts), (entry) => {
    entries.push(entry);
  });
  return { entries, version };
}

let backup: Buffer = Buffer.alloc(0);
before(async () => {
  backup = await made();
});

test("all records and documents come back as they were", async () => {
  const { entries, version } = await read(backup);
  assert.equal(version, "1.2.3");
  assert.deepEqual(entries, [
    { kind: "document", name: "people", content: DOCUMENTS[0][1] },
    ...RECORDS.map((record) => ({ kind: "record", ...record })),
  ]);
});

test("a backup of nothing is one", async () => {
  let text = "";
  const source = { version: "1", created: "now", documents: [], records: [] };
  for await (const some of backupLines(source)) text += some;
  assert.deepEqual((await read(gzipSync(text))).entries, []);
});

test("one that is cut off anywhere, packed or unpacked, is refused", async () => {
  for (let length = 0; length < backup.length; length += 1 + (length >> 5)) {
    await assert.rejects(read(backup.subarray(0, length)), BackupError, `${length}`);
  }
  const text = gunzipSync(backup);
  for (let length = 0; length < text.length - 1; length += 1 + (length >> 3)) {
    await assert.rejects(read(gzipSync(text.subarray(0, length))), BackupError, `${length}`);
  }
});

test("one with any changed byte is refused", async () => {
  const text = gunzipSync(backup);
  for (let at = 0; at < text.length; at += 1 + (at >> 5)) {
    const changed = Buffer.from(text);
    changed[at] = (changed[at] as number) ^ 1;
    // A line of its own for nobody, or another time or version, would not be noticed without the checksum.
    await assert.rejects(read(gzipSync(changed)), BackupError, `${at}`);
  }
  for (let at = 10; at < backup.length; at += 7) {
    const changed = Buffer.from(backup);
    changed[at] = (changed[at] as number) ^ 0x10;
    await assert.rejects(read(changed), BackupError, `packed ${at}`);
  }
});

for (const [what, text, words] of [
  ["another file", "hello\n", /no backup of Midge/],
  ["other JSON", '{"a":1}\n', /no backup of Midge/],
  ["null", "null\n", /no backup of Midge/],
  ["a later format", '{"midgeBackup":2,"version":"9","created":"then"}\n', /format 2/],
  ["one that could not be made", refusedBackup("the disk is gone"), /the disk is gone/],
  [
    "one that would write elsewhere",
    '{"midgeBackup":1,"version":"1","created":"x"}\n{"document":"../../etc/passwd","content":1}\n',
    /a line of it is damaged/,
  ],
] as const) {
  test(`${what} is refused in words`, async () => {
    await assert.rejects(read(gzipSync(text)), words);
  });
}

test("a file that is not packed is refused in words", async () => {
  await assert.rejects(read(Buffer.from("plain text")), /cannot be unpacked/);
});
