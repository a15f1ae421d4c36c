/** `midge store`: looks into what a Midge keeps, and says whether it is whole. */
import { createReadStream, existsSync } from "node:fs";
import { Command } from "commander";
import { BackupError, readBackup } from "../store/backup-format.ts";
import { describeRecord, type RecordDescription } from "../store/describe-record.ts";
import { readDocuments } from "../store/document-contents.ts";
import { DocumentError } from "../store/document-file.ts";
import { recoverRecords } from "../store/recovered-records.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import {
  type DataOptions,
  dataFolderOf,
  openBackup,
  placesIn,
  refuseIfInUse,
  STDERR,
  withDataOptions,
} from "./kept-data.ts";
import { recordLine } from "./record-line.ts";

interface DumpOptions extends DataOptions {
  readonly json?: boolean | undefined;
  readonly from?: string | undefined;
}

/** What `midge store check` ends with where something is damaged; 1 is that it could not be checked. */
const DAMAGED = 2 satisfies Exit;

/** `version` is that of this program. */
export function command(version: string): Command {
  const check = new Command("check").description(
    "compare every checksum and read every record of a Midge that does not run; nothing is changed",
  );
  const dump = new Command("dump")
    .description("list all records of a Midge, running or not: sessions, subscriptions, queues, …")
    .option("--json", "a line of JSON for each record")
    .option("--from <file>", "list those of a backup");
  return new Command("store")
    .description("look into what a Midge keeps")
    .addCommand(
      withDataOptions(check)
        .addHelpText("after", "\nEnds with 0 if all is whole, 2 if not, 1 if it cannot be checked.")
        .action((options: DataOptions) => runToExit(() => checkStore(options))),
    )
    .addCommand(
      withDataOptions(dump).action((options: DumpOptions) =>
        runToExit(() => dumpStore(options, version)),
      ),
    );
}

async function checkStore(options: DataOptions): Promise<Exit> {
  const folder = dataFolderOf(options);
  const { store, documents } = placesIn(folder);
  if (!existsSync(store)) throw new CommandFailure(`There is no store in ${folder}.`);
  await refuseIfInUse(folder);
  const { damage, torn, records } = recoverRecords(store);
  const problems = [...damage];
  const sessions = new Set<string>();
  const described = records.map((record) => {
    const description = describeRecord(record);
    if (description === undefined)
      problems.push(`record ${JSON.stringify(record.key)}: unreadable`);
    else if (description.kind === "session") sessions.add(sessionKey(description));
    return description;
  });
  let left = 0;
  for (const description of described) {
    if (description === undefined || !isOrphan(description, sessions)) continue;
    // A session that ends takes a long queue with it only bit by bit.
    if (description.kind === "queued") left++;
    else problems.push(`${recordLine(description)}: its session is missing`);
  }
  const count = await checkDocuments(documents, problems);
  for (const line of torn) process.stdout.write(`${line}: the last write was not finished\n`);
  if (left > 0) {
    process.stdout.write(
      `${left} ${left === 1 ? "message" : "messages"} queued for sessions that have ended: the next start sees to that\n`,
    );
  }
  for (const line of problems) process.stdout.write(`${line}\n`);
  const verdict = problems.length === 0 ? "all is whole" : `${problems.length} problems`;
  process.stdout.write(`${records.length} records, ${count} documents: ${verdict}\n`);
  return problems.length === 0 ? Exit.success : DAMAGED;
}

const OF_SESSIONS: ReadonlySet<string> = new Set([
  "subscription",
  "queued",
  "in flight",
  "released",
  "received",
  "will",
]);

function sessionKey({ clientId, upstream }: RecordDescription): string {
  return `${upstream === true ? "upstream" : ""}/${clientId}`;
}

function isOrphan(description: RecordDescription, sessions: ReadonlySet<string>): boolean {
  return OF_SESSIONS.has(description.kind) && !sessions.has(sessionKey(description));
}

async function checkDocuments(path: string, problems: string[]): Promise<number> {
  try {
    return (await readDocuments(path, { ...STDERR, error: (text) => problems.push(text) })).length;
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    problems.push(error.message);
    return 0;
  }
}

async function dumpStore(options: DumpOptions, version: string): Promise<Exit> {
  const { from, json } = options;
  const source =
    from === undefined ? await openBackup(dataFolderOf(options), version) : createReadStream(from);
  const print = async (line: string): Promise<void> => {
    if (process.stdout.write(`${line}\n`)) return;
    await new Promise((resolve) => process.stdout.once("drain", resolve));
  };
  try {
    await readBackup(source, async (entry) => {
      const description =
        entry.kind === "document"
          ? { kind: "document", name: entry.name, content: entry.content }
          : (describeRecord(entry) ?? { kind: "unreadable", key: entry.key });
      await print(json === true ? JSON.stringify(description) : recordLine(description));
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof BackupError) && code === undefined) throw error;
    throw new CommandFailure(`Unable to list ${from ?? "the store"}: ${message}.`);
  }
  return Exit.success;
}
