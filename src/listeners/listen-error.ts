/** A socket that could not be opened for listening, in words for whoever configured it. */

export class ListenError extends Error {
  readonly code = "MIDGE_LISTEN_FAILED";

  /** `setting`: the part of the configuration that decides where to listen. */
  constructor(where: string, setting: string, cause: NodeJS.ErrnoException) {
    super(`cannot listen on ${where}: ${reason(cause)} (set by ${setting})`, { cause });
    this.name = "ListenError";
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use by another program",
  EADDRNOTAVAIL: "this machine has no such address",
  EAI_AGAIN: "the name server did not answer, so the host name has no address",
  ENOENT: "the folder does not exist",
  ENOTDIR: "the folder does not exist",
  ENOTFOUND: "that host name is unknown",
};

function reason({ code, message, syscall }: NodeJS.ErrnoException): string {
  if (code === "EACCES") {
    return syscall === "listen" && message.includes("/")
      ? "this user may not make a file there"
      : "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  }
  return REASONS[code ?? ""] ?? message;
}
