/** A place for the log that cannot be used, in words. */
export class LogError extends Error {
  readonly code = "MIDGE_LOG_FAILED";

  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = "LogError";
  }
}
