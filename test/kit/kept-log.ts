/** A log that keeps its lines for the test to read. */
import type { Log } from "../../src/seams/log.ts";

export class KeptLog implements Log {
  readonly lines: string[] = [];

  debug(text: string): void {
    this.lines.push(`debug: ${text}`);
  }

  info(text: string): void {
    this.lines.push(`info: ${text}`);
  }

  warn(text: string): void {
    this.lines.push(`warn: ${text}`);
  }

  error(text: string): void {
    this.lines.push(`error: ${text}`);
  }
}
