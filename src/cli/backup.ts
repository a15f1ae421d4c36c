/** `midge backup`: everything that a Midge keeps, in one file, while it runs or not. */
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import { syncFolder } from "../store/atomic-file.ts";
import { BackupError, readBackup } from "../store/backup-format.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import { type DataOptions, dataFolderOf, openBackup, withDataOptions } from "./kept-data.ts";

/** `version` is that of this program. */
export function command(version: string): Command {
  const backup = new Command("backup")
    .description("write all that a Midge keeps to one file; the Midge may run meanwhile")
    .argument("<file>", 'where to; "-" is standard output');
  return withDataOptions(backup)
    .addHelpText(
      "after",
      `
The file holds sessions, subscriptions, queues, retained messages, nodes and what was set while Midge
ran, as they were at one moment. It does not hold the configuration file, nor password and ACL files.
What it holds may be secret: only you can read it. midge restore puts it back.`,
    )
    .action((file: string, options: DataOptions) => runToExit(() => run(file, options, version)));
}

async function run(file: string, options: DataOptions, version: string): Promise<Exit> {
  const content = await openBackup(dataFolderOf(options), version);
  if (file === "-") {
    await pipeline(content, process.stdout);
    return Exit.success;
  }
  const target = resolve(file);
  const temporary = `${target}.${randomBytes(6).toString("hex")}.new`;
  try {
    const { records, documents } = await save(content, temporary);
    await rename(temporary, target);
    await syncFolder(dirname(target));
    process.stdout.write(`${file}: ${records} records and ${documents} documents\n`);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof BackupError) {
      throw new CommandFailure(`No backup was made: ${error.message}.`);
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CommandFailure(`Unable to write ${file}: ${message}.`);
  }
  return Exit.success;
}

/** Saves the backup and reads it again as it stands on the disk. */
async function save(
  content: Readable,
  path: string,
): Promise<{ records: number; documents: number }> {
  await pipeline(content, createWriteStream(path, { flags: "wx", mode: 0o600 }));
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  const counts = { records: 0, documents: 0 };
  await readBackup(createReadStream(path), ({ kind }) => {
    counts[kind === "record" ? "records" : "documents"]++;
  });
  return counts;
}
