/**
 * Tells when files change: by the kernel's notice where it gives one, and by looking at intervals
 * in any case, as notices do not cover links, network drives and the like.
 */
import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Scheduler, Timer } from "../time/scheduler.ts";

export interface FileWatchParts {
  /** Files to watch, and folders whose entries come and go. Asked for anew at every look. */
  readonly files: () => readonly string[];
  /** Called when something has changed and has then been left alone for a moment. */
  readonly changed: () => void;
  readonly scheduler: Scheduler;
}

/** How often to look where there are no notices, ms. */
const INTERVAL = 30_000;
/** How long files must rest: a certificate and its key are replaced one after the other, ms. */
const REST = 1000;

export class FileWatch {
  readonly #parts: FileWatchParts;
  readonly #watchers: FSWatcher[] = [];
  #timer: Timer | undefined;
  /** A look is due before long. */
  #soon = false;
  /** What the files looked like when they were last read. */
  #known = "";
  /** A look that differs from it, seen once so far. */
  #different = "";
  #running = false;

  constructor(parts: FileWatchParts) {
    this.#parts = parts;
  }

  /** Begins to watch; `changed` is called for what changes after this is fulfilled. */
  async start(): Promise<void> {
    this.#running = true;
    await this.settle();
    for (const folder of new Set(this.#parts.files().map(dirname))) this.#watch(folder);
    this.#lookAfter(INTERVAL);
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers.length = 0;
  }

  /** Takes the files as they are now for known: they are about to be read. */
  async settle(): Promise<void> {
    this.#known = await fingerprint(this.#parts.files());
  }

  /** A folder, as the files in it may be replaced by others of the same name. */
  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        if (!this.#soon) this.#lookAfter(REST);
        this.#soon = true;
      });
      // What cannot be watched is looked at, at intervals.
      watcher.on("error", () => watcher.close());
      this.#watchers.push(watcher);
    } catch {}
  }

  #lookAfter(delay: number): void {
    if (!this.#running) return;
    this.#timer?.cancel();
    this.#timer = this.#parts.scheduler.after(delay, () => void this.#look());
  }

  async #look(): Promise<void> {
    const seen = await fingerprint(this.#parts.files());
    this.#soon = false;
    if (seen === this.#known || !this.#running) {
      this.#lookAfter(INTERVAL);
    } else if (seen !== this.#different) {
      this.#different = seen;
      this.#lookAfter(REST);
    } else {
      this.#known = seen;
      this.#lookAfter(INTERVAL);
      this.#parts.changed();
    }
  }
}

/** Differs when a file is replaced, rewritten, or appears; links are followed. */
async function fingerprint(files: readonly string[]): Promise<string> {
  const marks = await Promise.all(
    files.map(async (file) => {
      try {
        const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
        return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      } catch {
        return "none";
      }
    }),
  );
  return marks.join("\n");
}
