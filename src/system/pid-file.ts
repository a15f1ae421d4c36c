/** The file that tells others the process's id. */
import { rmSync, writeFileSync } from "node:fs";

export class PidFileError extends Error {
  readonly code = "MIDGE_PID_FILE_FAILED";
}

/** Writes the file, and answers how to remove it. `path` "" is none. Throws PidFileError. */
export function writePidFile(path: string): () => void {
  if (path === "") return () => {};
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = `cannot write the pid file ${path}: ${code} (set by process.pid_file)`;
    throw new PidFileError(message, { cause: error });
  }
  return () => {
    try {
      rmSync(path, { force: true });
    } catch {
      // The folder may be root's, whose rights were given up.
    }
  };
}
