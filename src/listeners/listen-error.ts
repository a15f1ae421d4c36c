/** A socket that could not be opened for listening, in words for whoever configured it. */

export class ListenError extends Error {
  readonly code = "MIDGE_LISTEN_FAILED";

  /** `setting`: the part of the configuration that decides where to listen. */
  constructor(where: string, setting: string, cause: NodeJS.ErrnoException) {
    super(`cannot listen on ${where}: ${reason(cause)} (set by ${setting})`, { cause });
    this.name = "ListenError";
  }
}

function reason(cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case "EADDRINUSE":
      return "the port is in use by another program";
    case "EACCES":
      return "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    case "EADDRNOTAVAIL":
      return "this machine has no such address";
    default:
      return cause.message;
  }
}
