/** A log that keeps its lines for the test to read. */
import type { Log } from "../../src/seams/log.ts";

export class KeptLog implements Log {
  /** Set to have the packets among the lines. */
  debugging = false;
  readonly lines: string[] = [];

  debug(text: string): void {
    this.lines.push(`debug: ${text}`);
  }

  info(text: string): void {
    this.lines.push(`info: ${text}`);
  }

  notice(text: string): void {
    this.lines.push(`notice: ${text}`);
  }

  warn(text: string): void {
    this.lines.push(`warn: ${text}`);
  }

  error(text: string): void {
    this.lines.push(`error: ${text}`);
  }
  connection(text: string): void {
    this.lines.push(`connection: ${text}`);
  }

  subscribe(text: string): void {
    this.lines.push(`subscribe: ${text}`);
  }

  unsubscribe(text: string): void {
    this.lines.push(`unsubscribe: ${text}`);
  }
}
