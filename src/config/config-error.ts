/** What is wrong in a configuration, as values, and the error that carries them. */

export interface Problem {
  /** The file as the user named it, or "command line". */
  readonly file: string;
  /** Counted from 1; 0 where no line can be named. */
  readonly line: number;
  /** The key's path, such as `listener[0].port`, or the option's word; "" for the file as a whole. */
  readonly key: string;
  readonly message: string;
}

/** One line: `config/midge.toml:12: listener[0].port: expected ...`. */
export function formatProblem(problem: Problem): string {
  const { file, line, key, message } = problem;
  const place = line > 0 ? `${file}:${line}` : file;
  return key === "" ? `${place}: ${message}` : `${place}: ${key}: ${message}`;
}

/** All that is wrong with a configuration. The program ends with exit code 3. */
export class ConfigError extends Error {
  readonly code = "MIDGE_CONFIG_INVALID";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}
