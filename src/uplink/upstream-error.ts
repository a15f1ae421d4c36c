/** The files for connecting to the upstream broker cannot be used. */

export class UpstreamError extends Error {
  readonly code = "MIDGE_UPSTREAM_INVALID";

  constructor(file: string, problem: string) {
    super(`${JSON.stringify(file)}: ${problem} (set by gateway.upstream_ca_file)`);
    this.name = "UpstreamError";
  }
}
