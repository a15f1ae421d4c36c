/** The HTTP port could not be opened. */

const CAUSES: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "another program, or another Midge, has that port. Stop it, or set another with [http] port",
  EACCES: "this user may not open that port. Set one of 1024 or above with [http] port",
  EADDRNOTAVAIL:
    "this machine has no such address. Set one it has with [http] address ([http] port sets the port)",
  ENOTFOUND:
    "that host name is unknown. Set an address with [http] address ([http] port sets the port)",
};

export class HttpListenError extends Error {
  readonly code = "MIDGE_HTTP_LISTEN_FAILED";

  constructor(address: string, port: number, cause: NodeJS.ErrnoException) {
    const where = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    const why =
      CAUSES[cause.code ?? ""] ?? `${cause.message}. [http] address and [http] port set it`;
    super(`Cannot listen for HTTP on ${where}: ${why}.`, { cause });
    this.name = "HttpListenError";
  }
}
