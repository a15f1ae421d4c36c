/** The password file of Mosquitto: `user:record` lines; others without a colon, and comments, say nothing. */
import { utf8Length } from "../bytes/utf8.ts";
import { type FileProblem, shownLine } from "./file-problem.ts";
import { type PasswordRecord, parsePasswordRecord } from "./password-records.ts";
import { linesOf, trimBlanks } from "./text-lines.ts";

export interface PasswordEntry {
  readonly record: PasswordRecord;
  /** The record as it stands in the file: another text is another password. */
  readonly text: string;
}

export interface PasswordFile {
  readonly users: ReadonlyMap<string, PasswordEntry>;
  readonly problems: readonly FileProblem[];
}

const LONGEST_USERNAME = 65_535;

/** Reads the text of the password file called `file`. With any problem it is not to be used. */
export function parsePasswordFile(file: string, text: string): PasswordFile {
  const users = new Map<string, PasswordEntry>();
  const problems: FileProblem[] = [];
  for (const { line, text: written } of linesOf(text)) {
    if (written.startsWith("#") || !written.includes(":")) continue;
    const problem = readLine(written, users);
    if (problem !== undefined) problems.push({ file, line, text: problem });
  }
  return { users, problems };
}

function readLine(line: string, users: Map<string, PasswordEntry>): string | undefined {
  const colon = line.indexOf(":");
  const username = trimBlanks(line.slice(0, colon));
  const text = trimBlanks(line.slice(colon + 1));
  if (username === "") return "the user name before the colon is missing";
  if (utf8Length(username) > LONGEST_USERNAME) return "the user name is too long";
  if (users.has(username)) return `the user "${shownLine(username)}" is already defined above`;
  if (text === "") return `the password of "${shownLine(username)}" is missing`;
  const parsed = parsePasswordRecord(text);
  if (!parsed.ok) {
    const advice = text.startsWith("$") ? "" : " (midge passwd -U FILE makes hashes of passwords)";
    return `the password of "${shownLine(username)}" ${parsed.problem}${advice}`;
  }
  users.set(username, { record: parsed.record, text });
  return undefined;
}
