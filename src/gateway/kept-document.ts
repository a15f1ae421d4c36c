/**
 * A document of the gateway's that changes by commands: what has changed holds at once, and is
 * written until it is kept.
 */
import type { DocumentStore } from "../seams/documents.ts";
import type { Log } from "../seams/log.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";

export interface KeptDocumentParts {
  /** Undefined where nothing is kept. */
  readonly documents: DocumentStore | undefined;
  readonly name: string;
  /** What is to be written. */
  readonly describe: () => unknown;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** Between attempts to write a document that could not be written, ms. */
const RETRY_INTERVAL = 60_000;
/** A disk that does not answer holds up no answer for longer than this, ms. */
const PATIENCE = 3000;

export class KeptDocument {
  readonly #parts: KeptDocumentParts;
  /** What there is cannot be read, so that nothing is written over it. */
  #sealed = false;
  #dirty = false;
  #retry: Timer | undefined;

  constructor(parts: KeptDocumentParts) {
    this.#parts = parts;
  }

  /** What is kept; undefined where there is nothing, or nothing that can be read. */
  load(): unknown {
    const { documents, name } = this.#parts;
    const { content, problem } = documents?.load(name) ?? {};
    if (problem !== undefined) this.seal(problem);
    return content;
  }

  /** Nothing is written from now on. */
  seal(why: string): void {
    this.#sealed = true;
    const { name, log } = this.#parts;
    log.error(`the document ${name} stays as it is, and changes hold until the next start: ${why}`);
  }

  changed(): void {
    this.#dirty = true;
  }

  /** Writes what has changed. Calls `done` once, when it is kept, or cannot be for long. */
  settled(done: () => void): void {
    if (!this.#dirty || this.#sealed || this.#parts.documents === undefined) {
      done();
      return;
    }
    this.#dirty = false;
    let answered = false;
    const answer = (): void => {
      timer.cancel();
      if (!answered) done();
      answered = true;
    };
    const timer = this.#parts.scheduler.after(PATIENCE, answer);
    this.#save(answer);
  }

  stop(): void {
    this.#retry?.cancel();
  }

  #save(done: () => void): void {
    const { documents, name, describe, log, scheduler } = this.#parts;
    this.#retry?.cancel();
    documents?.save(name, describe(), (problem) => {
      if (problem !== undefined) {
        log.error(`the document ${name} cannot be written: ${problem}; trying again`);
        this.#retry?.cancel();
        this.#retry = scheduler.after(RETRY_INTERVAL, () => this.#save(() => {}));
      }
      done();
    });
  }
}
