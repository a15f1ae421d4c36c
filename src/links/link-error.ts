/** A link that could not be opened, in words for whoever configured it. */
import { networkCause } from "../sockets/network-cause.ts";

export class LinkError extends Error {
  readonly code = "MIDGE_LINK_OPEN_FAILED";

  /** `where`: address and port. `setting`: the part of the configuration that decides it. */
  constructor(link: string, where: string, setting: string, cause: NodeJS.ErrnoException) {
    super(`link "${link}": cannot receive on UDP ${where}: ${reason(cause)} (set by ${setting})`, {
      cause,
    });
    this.name = "LinkError";
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
    case "ENODEV":
      return "no network interface for its multicast group";
    default:
      return networkCause(cause);
  }
}
