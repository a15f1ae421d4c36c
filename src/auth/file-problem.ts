/** What is wrong in a file that somebody wrote, and where. */

export interface FileProblem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

export function formatFileProblem({ file, line, text }: FileProblem): string {
  return `${file}:${line}: ${text}`;
}

/** A line as a message may show it: short, and in one line. */
export function shownLine(line: string): string {
  const flat = line.replace(/\p{Cc}/gu, "?");
  return flat.length > 60 ? `${flat.slice(0, 57)}...` : flat;
}
