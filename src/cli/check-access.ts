/** What is wrong in the password and ACL files that a configuration names. */
import { parseAclFile } from "../auth/acl-rules.ts";
import { formatFileProblem } from "../auth/file-problem.ts";
import { parsePasswordFile } from "../auth/password-file.ts";
import type { Config } from "../config/schema.ts";
import { LocalTextFiles } from "../system/text-files.ts";

export interface AccessFindings {
  /** Each on one line, with the file's name. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads the files as a start would; nothing is put into force. */
export function checkAccessFiles({ access, listener, link }: Config): AccessFindings {
  const problems: string[] = [];
  const warnings: string[] = [];
  const files = new LocalTextFiles();
  const textOf = (path: string, secret: boolean): string | undefined => {
    const read = files.read(path, secret);
    if (read.ok) return read.text;
    problems.push(`${path}: ${read.problem}`);
    return undefined;
  };
  for (const path of named([access, ...listener].map(({ password_file }) => password_file))) {
    const text = textOf(path, true);
    if (text === undefined) continue;
    problems.push(...parsePasswordFile(path, text).problems.map(formatFileProblem));
  }
  for (const path of named([access, ...listener, ...link].map(({ acl_file }) => acl_file))) {
    const text = textOf(path, false);
    if (text === undefined) continue;
    const rules = parseAclFile(path, text);
    problems.push(...rules.problems.map(formatFileProblem));
    warnings.push(...rules.warnings.map(formatFileProblem));
  }
  return { problems, warnings };
}

/** Each once. */
function named(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.filter((path) => path !== ""));
}
