/** Where a Midge keeps its data, and how all of it is read, whether that Midge runs or not. */
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { Command } from "commander";
import { ConfigError, formatProblem } from "../config/config-error.ts";
import { loadConfig } from "../config/load.ts";
import type { StoredRecord } from "../seams/journal.ts";
import type { Log } from "../seams/log.ts";
import { BACKUP_REQUEST, SOCKET_NAME } from "../store/backup-door.ts";
import { backupLines } from "../store/backup-format.ts";
import { readDocuments } from "../store/document-contents.ts";
import { isStoreInUse } from "../store/open-database.ts";
import { recoverRecords } from "../store/recovered-records.ts";
import { socketPath } from "../store/unix-path.ts";
import { dataFolder } from "../system/data-folder.ts";
import { CommandFailure } from "./exit-codes.ts";

export interface DataOptions {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
}

/** Adds the options that say where the data is. */
export function withDataOptions(command: Command): Command {
  return command
    .option("-c, --config <file>", "the configuration of the Midge whose data it is")
    .option("--data <folder>", "the folder of the data, instead of what a configuration says");
}

/** The folder, which need not exist. Throws CommandFailure. */
export function dataFolderOf({ config: file, data }: DataOptions): string {
  if (data !== undefined) return resolve(data);
  try {
    const { store } = loadConfig({ file, files: "first" }).config;
    if (store.mode !== "memory") return dataFolder(store.path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandFailure(error.problems.map(formatProblem).join("\n"));
  }
  throw new CommandFailure("This configuration keeps nothing: store.mode is memory.");
}

export interface DataPlaces {
  readonly store: string;
  readonly documents: string;
}

export function placesIn(folder: string): DataPlaces {
  return { store: join(folder, "store"), documents: join(folder, "documents") };
}

/**
 * A packed backup of all that is kept: from the running Midge, or else from the files. `version` is that
 * of this program.
 */
export async function openBackup(folder: string, version: string): Promise<Readable> {
  const running = await askRunning(folder);
  if (running !== undefined) return running;
  await refuseIfInUse(folder);
  const created = new Date().toISOString();
  const records = [recordsOf(folder)];
  const documents = await readDocuments(placesIn(folder).documents, STDERR);
  const lines = backupLines({ version, created, documents, records });
  return Readable.from(lines).pipe(createGzip());
}

/** Rejects with CommandFailure while a Midge runs on this data. */
export async function refuseIfInUse(folder: string): Promise<void> {
  if (await isStoreInUse(placesIn(folder).store)) {
    throw new CommandFailure(`A Midge is running on ${folder}; stop it first.`);
  }
}

/** Of a Midge that does not run. Throws CommandFailure where there is nothing. */
function recordsOf(folder: string): readonly StoredRecord[] {
  const { store } = placesIn(folder);
  if (!existsSync(store)) throw new CommandFailure(`There is no store in ${folder}.`);
  const { records, damage } = recoverRecords(store);
  for (const line of damage) process.stderr.write(`Warning: ${line}\n`);
  return records;
}

/** Undefined where none runs. */
function askRunning(folder: string): Promise<Readable | undefined> {
  if (!existsSync(join(folder, SOCKET_NAME))) return Promise.resolve(undefined);
  const { path, release } = socketPath(folder, SOCKET_NAME);
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      release();
      socket.write(BACKUP_REQUEST);
      resolve(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      release();
      // Left by a process that is gone.
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(undefined);
      else reject(new CommandFailure(`Cannot reach the Midge on ${folder}: ${error.message}.`));
    });
  });
}

const tell = (text: string): void => {
  process.stderr.write(`Warning: ${text}\n`);
};

/** What parts of Midge would log, for whoever runs a command. */
export const STDERR: Log = {
  debugging: false,
  debug: () => {},
  info: () => {},
  notice: () => {},
  warn: tell,
  error: tell,
  connection: () => {},
  subscribe: () => {},
  unsubscribe: () => {},
};
