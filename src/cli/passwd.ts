/** `midge passwd`: manages password files, with mosquitto_passwd's options. */
import { type Stats, statSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { Command, Option } from "commander";
import { DEFAULT_RECIPE, type HashRecipe } from "../auth/password-hasher.ts";
import { formatPasswordRecord } from "../auth/password-records.ts";
import { encodeUtf8 } from "../bytes/utf8.ts";
import { replaceFile } from "../store/atomic-file.ts";
import { ThreadPoolHasher } from "../system/password-hasher.ts";
import { askPassword } from "./ask-password.ts";
import { wholeNumber } from "./connect-options.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import { checkUsername, PasswordLines } from "./password-lines.ts";

interface PasswdFlags {
  readonly batch?: boolean | undefined;
  readonly create?: boolean | undefined;
  readonly delete?: boolean | undefined;
  readonly update?: boolean | undefined;
  readonly hash: HashRecipe["kind"];
  readonly iterations?: number | undefined;
}

/** Of a file that did not exist; one that did keeps its own. */
const MODE = 0o600;
const MOST_ITERATIONS = 10_000_000;
const READABLE_BY_OTHERS = 0o004;
const ARGON2ID = { kind: "argon2id", memory: 47_104, passes: 1, parallelism: 1 } as const;

export function command(): Command {
  return new Command("passwd")
    .description("manage a password file, like mosquitto_passwd")
    .argument("<file>", 'the password file; with -c, "-" is standard output')
    .argument("[username]", "whose password to set or delete")
    .argument("[password]", "with -b only: other users of this machine may see it")
    .option("-c, --create", "begin a new file; one that exists is replaced")
    .option("-b, --batch", "take the password from the command line")
    .option("-D, --delete", "delete the user")
    .option("-U, --update", "hash the passwords of a file that holds them as they are")
    .addOption(
      new Option("-H, --hash <kind>", "how to hash; Mosquitto does not read scram-sha-256")
        .choices(["sha512-pbkdf2", "argon2id", "sha512", "scram-sha-256"])
        .default("sha512-pbkdf2"),
    )
    .option("-I, --iterations <count>", "how often to hash", wholeNumber(1, MOST_ITERATIONS))
    .addHelpText("after", "\nA running Midge reads the file again on SIGHUP.")
    .action(
      (
        file: string,
        username: string | undefined,
        password: string | undefined,
        flags: PasswdFlags,
      ) => runToExit(() => run({ file, username, password }, flags)),
    );
}

interface Words {
  readonly file: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

async function run({ file, username, password }: Words, flags: PasswdFlags): Promise<Exit> {
  const modes = [flags.create, flags.delete, flags.update].filter((mode) => mode === true);
  if (modes.length > 1) throw new CommandFailure("Only one of -c, -D and -U can be given.");
  if (flags.update === true) {
    if (username !== undefined) throw new CommandFailure("-U takes a password file only.");
    return update(file, flags);
  }
  if (username === undefined) throw new CommandFailure("A user name is needed.");
  checkUsername(username);
  if (flags.delete === true) {
    if (flags.batch === true || password !== undefined) {
      throw new CommandFailure("-D takes a password file and a user name only.");
    }
    return deleteUser(file, username);
  }
  if ((flags.batch === true) !== (password !== undefined)) {
    const problem = flags.batch === true ? "With -b a password" : "A password only with -b";
    throw new CommandFailure(`${problem} is to be given after the user name.`);
  }
  const toOutput = flags.create === true && file === "-";
  const target = toOutput ? undefined : await open(file, flags.create === true);
  const given = password ?? (await askPassword("Password: ", "Reenter password: "));
  if (given === "") throw new CommandFailure("The password is empty.");
  const record = await hash(given, recipeOf(flags));
  if (target === undefined) process.stdout.write(`${username}:${record}\n`);
  else await setUser(target, username, record, flags.create === true);
  return Exit.success;
}

async function setUser(
  target: Target,
  username: string,
  record: string,
  create: boolean,
): Promise<void> {
  const lines = new PasswordLines(target.path, create ? "" : await read(target.path));
  const known = lines.set(username, record);
  await write(target, lines);
  process.stdout.write(`${known ? "Updating" : "Adding"} password for user ${username}\n`);
}

async function deleteUser(file: string, username: string): Promise<Exit> {
  const target = await open(file, false);
  const lines = new PasswordLines(file, await read(target.path));
  if (!lines.delete(username)) {
    throw new CommandFailure(`User ${username} not found in password file.`);
  }
  await write(target, lines);
  return Exit.success;
}

async function update(file: string, flags: PasswdFlags): Promise<Exit> {
  const target = await open(file, false);
  const lines = new PasswordLines(file, await read(target.path));
  for (const { username, password } of lines.plain()) {
    checkUsername(username);
    lines.set(username, await hash(password, recipeOf(flags)));
  }
  await write(target, lines);
  return Exit.success;
}

interface Target {
  readonly path: string;
  readonly before: Stats | undefined;
}

/** The file itself where `file` is a link to it: the link is to stay. */
async function open(file: string, create: boolean): Promise<Target> {
  try {
    const path = await realpath(file);
    const before = statSync(path);
    if (before.isFile()) return { path, before };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && create) return { path: file, before: undefined };
    const why = code === "ENOENT" ? "there is no such file (-c makes one)" : String(code);
    throw new CommandFailure(`Unable to open ${file}: ${why}.`);
  }
  throw new CommandFailure(`Unable to open ${file}: it is no file.`);
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new CommandFailure(`Unable to read ${path}: ${(error as NodeJS.ErrnoException).code}.`);
  }
}

async function write({ path, before }: Target, lines: PasswordLines): Promise<void> {
  const mode = before === undefined ? MODE : before.mode & 0o777;
  if ((mode & READABLE_BY_OTHERS) !== 0) {
    process.stderr.write(`Warning: everybody on this machine can read ${path}.\n`);
  }
  try {
    await replaceFile(path, lines.toString(), { mode, owner: before });
  } catch (error) {
    throw new CommandFailure(`Unable to write ${path}: ${(error as Error).message}.`);
  }
}

function recipeOf({ hash: kind, iterations }: PasswdFlags): HashRecipe {
  switch (kind) {
    case "sha512":
      return { kind };
    case "argon2id":
      return iterations === undefined
        ? ARGON2ID
        : { ...ARGON2ID, passes: Math.min(iterations, 1000) };
    case "sha512-pbkdf2":
    case "scram-sha-256":
      return { kind, iterations: iterations ?? DEFAULT_RECIPE.iterations };
  }
}

function hash(password: string, recipe: HashRecipe): Promise<string> {
  return new Promise((resolve, reject) => {
    new ThreadPoolHasher().hash(recipe, encodeUtf8(password), (record) => {
      if (record === undefined) reject(new CommandFailure("Unable to hash the password."));
      else resolve(formatPasswordRecord(record));
    });
  });
}
