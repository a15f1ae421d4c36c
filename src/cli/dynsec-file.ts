/** What `midge ctrl dynsec` does with files instead of a running broker. */
import { open, readFile, realpath, stat } from "node:fs/promises";
import { initialContent } from "../auth/dynsec/initial.ts";
import { DEFAULT_RECIPE } from "../auth/password-hasher.ts";
import { formatPasswordRecord, type PasswordRecord } from "../auth/password-records.ts";
import { encodeBase64 } from "../bytes/base64.ts";
import { encodeUtf8 } from "../bytes/utf8.ts";
import { isObject, listField, textField } from "../control/json-fields.ts";
import { replaceFile } from "../store/atomic-file.ts";
import { ThreadPoolHasher } from "../system/password-hasher.ts";
import { CommandFailure } from "./exit-codes.ts";

/** Mosquitto, which may run as another user of the same group, is to read it. */
const MODE = 0o640;

/** Makes a dynamic-security.json with an administrator; one that exists is left alone. */
export async function initialise(file: string, username: string, password: string): Promise<void> {
  const content = initialContent(username, await hash(password));
  try {
    const handle = await open(file, "wx", MODE);
    try {
      await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "EEXIST" ? "it exists already" : message;
    throw new CommandFailure(`Unable to make ${file}: ${why}.`);
  }
}

/** Gives a client in a dynamic-security.json a new password. */
export async function setPassword(file: string, username: string, password: string): Promise<void> {
  try {
    const path = await realpath(file);
    const content: unknown = JSON.parse(await readFile(path, "utf8"));
    const clients = isObject(content) ? listField(content, "clients") : undefined;
    const client = clients?.filter(isObject).find((it) => textField(it, "username") === username);
    if (client === undefined) throw new CommandFailure(`Client ${username} not found in ${file}.`);
    const record = await hash(password);
    Object.assign(client, passwordFields(record));
    const { mode, uid, gid } = await stat(path);
    await replaceFile(path, `${JSON.stringify(content, null, 2)}\n`, {
      mode: mode & 0o777,
      owner: { uid, gid },
    });
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(`Unable to change ${file}: ${(error as Error).message}.`);
  }
}

/** For Mosquitto 2.1, and for those before it. */
function passwordFields(record: PasswordRecord): Record<string, unknown> {
  const encoded = { encoded_password: formatPasswordRecord(record) };
  if (record.kind !== "sha512-pbkdf2") return encoded;
  const { iterations, salt, hash: digest } = record;
  return { ...encoded, password: encodeBase64(digest), salt: encodeBase64(salt), iterations };
}

function hash(password: string): Promise<PasswordRecord> {
  if (password === "") return Promise.reject(new CommandFailure("The password is empty."));
  return new Promise((resolve, reject) => {
    new ThreadPoolHasher().hash(DEFAULT_RECIPE, encodeUtf8(password), (record) => {
      if (record === undefined) reject(new CommandFailure("Unable to hash the password."));
      else resolve(record);
    });
  });
}
