/** Reads the files that people write: small, and needed before anything else goes on. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import type { TextFiles, TextRead } from "../seams/text-files.ts";

const LONGEST = 64 * 1024 * 1024;
const READABLE_BY_OTHERS = 0o004;

export class LocalTextFiles implements TextFiles {
  read(path: string, secret: boolean): TextRead {
    let file: number | undefined;
    try {
      file = openSync(path, "r");
      const { size, mode } = fstatSync(file);
      if (size > LONGEST) return { ok: false, problem: "it is too long" };
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        readFileSync(file),
      );
      const open = secret && (mode & READABLE_BY_OTHERS) !== 0;
      return {
        ok: true,
        text,
        warning: open ? "everybody on this machine can read this file" : undefined,
      };
    } catch (error) {
      return { ok: false, problem: problemOf(error) };
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
}

function problemOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "it must not be read by the user that Midge runs as";
    case "EISDIR":
      return "it is a folder";
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return "it is no UTF-8 text";
    default:
      return message;
  }
}
