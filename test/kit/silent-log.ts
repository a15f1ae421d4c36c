/** A log for tests that do not read it. */
import type { Log } from "../../src/seams/log.ts";

export class SilentLog implements Log {
  readonly debugging = false;

  debug(): void {}
  info(): void {}
  notice(): void {}
  warn(): void {}
  error(): void {}
  connection(): void {}
  subscribe(): void {}
  unsubscribe(): void {}
}
