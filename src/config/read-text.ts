/** Reads a configuration file, or says in one line why it cannot. */
import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { ConfigError } from "./config-error.ts";

/** Bytes. */
const LARGEST_FILE = 1_048_576;

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EACCES: "may not be read: permission denied",
  EPERM: "may not be read: permission denied",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "the name is too long",
};

/** The text of `file`, at most 1 MB of UTF-8, without a byte order mark. Throws ConfigError. */
export function readText(file: string): string {
  const bytes = attempt(file, () => readBytes(file));
  if (bytes.length > LARGEST_FILE) refuse(file, "is larger than 1 MB: this is no configuration");
  if (!isUtf8(bytes)) refuse(file, "is not UTF-8 text", lineOfBadText(bytes));
  return new TextDecoder().decode(bytes);
}

/** Runs `action` on `path`, and turns a failure of the file system into a ConfigError. */
export function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return refuse(path, whyUnreadable(code));
  }
}

/** The system's error code in words. */
export function whyUnreadable(code: string | undefined): string {
  return CAUSES[code ?? ""] ?? `cannot be read (${code})`;
}

function readBytes(file: string): Uint8Array {
  const found = statSync(file);
  if (found.isDirectory()) refuse(file, "is a directory, not a file");
  // Opening a pipe waits for a writer, and a device may never end.
  if (!found.isFile()) refuse(file, "is not a regular file");
  const descriptor = openSync(file, "r");
  try {
    const bytes = new Uint8Array(Math.min(found.size, LARGEST_FILE) + 1);
    let length = 0;
    for (;;) {
      const count = readSync(descriptor, bytes, length, bytes.length - length, null);
      length += count;
      if (count === 0 || length === bytes.length) return bytes.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

function lineOfBadText(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(10, start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}

function refuse(file: string, message: string, line = 0): never {
  throw new ConfigError([{ file, line, key: "", message }]);
}
