/** `midge restore`: puts a backup in the place of what a stopped Midge kept. */
import { createReadStream, existsSync } from "node:fs";
import { chown, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import type { StoredRecord } from "../seams/journal.ts";
import { makeAsideFolder } from "../store/aside-folder.ts";
import { syncContents, syncFolder } from "../store/atomic-file.ts";
import { BackupError, type BackupHead, readBackup } from "../store/backup-format.ts";
import { writeDocuments } from "../store/document-contents.ts";
import { openLevel, recoveredPath } from "../store/open-database.ts";
import { writeRecords } from "../store/write-records.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import {
  type DataOptions,
  dataFolderOf,
  placesIn,
  refuseIfInUse,
  STDERR,
  withDataOptions,
} from "./kept-data.ts";

interface RestoreOptions extends DataOptions {
  readonly force?: boolean | undefined;
}

/** Records that are held until they are written. */
const AT_ONCE = 1000;

export function command(): Command {
  const restore = new Command("restore")
    .description("put a backup in the place of what a Midge keeps; it must not run meanwhile")
    .argument("<file>", "what midge backup has written");
  return withDataOptions(restore)
    .option("--force", "even if there is something already: it is set aside in a folder beside it")
    .action((file: string, options: RestoreOptions) => runToExit(() => run(file, options)));
}

async function run(file: string, options: RestoreOptions): Promise<Exit> {
  const folder = dataFolderOf(options);
  await mkdir(folder, { recursive: true });
  await refuseIfInUse(folder);
  // All of it, before anything is touched.
  const { version, created } = await read(file);
  const isEmpty = !(await holds(folder));
  if (!isEmpty && options.force !== true) {
    throw new CommandFailure(
      `There is something in ${folder} already; --force sets it aside and goes on.`,
    );
  }
  const counts = await build(file, folder);
  const aside = await putInPlace(folder, isEmpty);
  const { records, documents } = counts;
  process.stdout.write(
    `Restored ${records} records and ${documents} documents of ${created}, by Midge ${version}.\n`,
  );
  if (aside !== undefined) process.stdout.write(`What was there before is in ${aside}.\n`);
  return Exit.success;
}

type Take = Parameters<typeof readBackup>[1];

async function read(file: string, take: Take = () => {}): Promise<BackupHead> {
  try {
    return await readBackup(createReadStream(file), take);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof BackupError) && code === undefined) throw error;
    throw new CommandFailure(`Unable to restore ${file}: ${message}.`);
  }
}

async function holds(folder: string): Promise<boolean> {
  const { store, documents } = placesIn(folder);
  for (const path of [store, documents]) {
    if (existsSync(path) && (await readdir(path)).length > 0) return true;
  }
  return false;
}

/** Beside what is there; nobody takes up what was built here in part. */
function builtPlaces(folder: string): { store: string; documents: string } {
  const { store, documents } = placesIn(folder);
  return { store: `${store}.restored`, documents: `${documents}.restored` };
}

async function build(
  file: string,
  folder: string,
): Promise<{ records: number; documents: number }> {
  const { store, documents } = builtPlaces(folder);
  for (const path of [store, documents]) await rm(path, { recursive: true, force: true });
  const counts = { records: 0, documents: 0 };
  const contents: [string, unknown][] = [];
  const database = await openLevel(store);
  try {
    let some: StoredRecord[] = [];
    await read(file, async (entry) => {
      if (entry.kind === "document") {
        contents.push([entry.name, entry.content]);
        return;
      }
      counts.records++;
      some.push(entry);
      if (some.length < AT_ONCE) return;
      await writeRecords(database, some);
      some = [];
    });
    await writeRecords(database, some);
  } finally {
    await database.close();
  }
  await syncContents(store);
  await writeDocuments(documents, contents, STDERR);
  counts.documents = contents.length;
  await giveToOwner(folder, [store, documents]);
  return counts;
}

/** Answers where that is which was there before. A power cut in between leaves the old or the new of each. */
async function putInPlace(folder: string, isEmpty: boolean): Promise<string | undefined> {
  const aside = isEmpty ? undefined : makeAsideFolder(folder, "replaced-");
  const built = builtPlaces(folder);
  const { store, documents } = placesIn(folder);
  // A Midge that starts takes up the store of this name if there is no other.
  const whole = recoveredPath(store);
  await rm(whole, { recursive: true, force: true });
  await rename(built.store, whole);
  await syncFolder(folder);
  await makeWay(documents, aside && join(aside, "documents"));
  await rename(built.documents, documents);
  await makeWay(store, aside && join(aside, "store"));
  await rename(whole, store);
  await syncFolder(folder);
  return aside;
}

/** Without an `aside` there is nothing in it. */
async function makeWay(path: string, aside: string | undefined): Promise<void> {
  if (aside === undefined) await rm(path, { recursive: true, force: true });
  else if (existsSync(path)) await rename(path, aside);
}

/** What root restores is to be read by the user whose data it is. */
async function giveToOwner(folder: string, paths: readonly string[]): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  for (const path of paths) {
    await chown(path, uid, gid);
    for (const name of await readdir(path)) await chown(join(path, name), uid, gid);
  }
}
