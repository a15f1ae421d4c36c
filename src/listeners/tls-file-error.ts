/** A file that TLS needs cannot be used; says which, why, and what to do. */

export class TlsFileError extends Error {
  /** `file`: its path. `problem`: what is wrong with it, in words. */
  constructor(file: string, problem: string, cause?: unknown) {
    super(`${file}: ${problem}`, { cause });
    this.name = "TlsFileError";
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder, not a file",
  ENOTDIR: "it is no folder",
  ELOOP: "its links lead in a circle",
  EMFILE: "too many open files",
  ENFILE: "too many open files",
};

/** What went wrong with a file, in words. */
export function fileProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return CAUSES[code ?? ""] ?? message;
}
