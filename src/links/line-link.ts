/**
 * A link over a line that comes and goes. While the line is away the gateway has no such link, so that
 * messages for its nodes wait; when it is back, also elsewhere, they go on as if nothing had been.
 */
import type { Link, LinkAddress, LinkEnd } from "../seams/link.ts";
import type { Log } from "../seams/log.ts";
import type { Backoff } from "../time/backoff.ts";
import type { Clock } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import type { FramingFaults } from "./framing/framing.ts";
import type { LineProtocol, LineProtocolEnd } from "./framing/line-protocol.ts";
import { type Line, type LineEnd, LineProblem, type LineSource } from "./line.ts";
import { PacedOutput } from "./paced-output.ts";

export interface LineLinkParts {
  readonly name: string;
  readonly source: LineSource;
  readonly protocol: (end: LineProtocolEnd) => LineProtocol;
  /** What the line carries each way. */
  readonly bytesPerSecond: number;
  /** The inter-byte gap, ms. */
  readonly gap: number;
  /** How long to wait before a line is looked for again. */
  readonly backoff: Backoff;
  /** See `Link`. */
  readonly maximumFrame: number;
  readonly retryInterval: number;
  readonly retryLimit: number;
  readonly gatewayId?: number | undefined;
  readonly advertiseInterval?: number | undefined;
  readonly end: LinkEnd;
  /** The line is there, and the link can be used. */
  readonly up: (link: Link) => void;
  /** The line is gone. */
  readonly down: (link: Link) => void;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** What may wait for the line, in time that the line takes for it, s: answers are not to be late. */
const QUEUE = 1;
/** But so many of the longest messages, each byte of which may be escaped. */
const FRAMES_QUEUED = 2 * 2;
/** Between two lines of the log on faults, and on the radio, ms. */
const LOG_SPAN = 60_000;

export class LineLink implements Link {
  readonly name: string;
  readonly maximumFrame: number;
  readonly retryInterval: number;
  readonly retryLimit: number;
  readonly gatewayId: number | undefined;
  readonly advertiseInterval: number | undefined;
  readonly #parts: LineLinkParts;
  readonly #protocol: LineProtocol;
  readonly #output: PacedOutput;
  #running = false;
  #line: Line | undefined;
  #retry: Timer | undefined;
  #gap: Timer | undefined;
  /** The problem that was told last, so that it is told once. */
  #told: string | undefined;
  #opened = 0;
  #received = 0;
  #faultsTold = 0;
  #faultsToldAt = Number.NEGATIVE_INFINITY;
  readonly #radioToldAt = new Map<string, number>();

  constructor(parts: LineLinkParts) {
    const { name, maximumFrame, retryInterval, retryLimit, bytesPerSecond } = parts;
    this.#parts = parts;
    this.name = name;
    this.maximumFrame = maximumFrame;
    this.retryInterval = retryInterval;
    this.retryLimit = retryLimit;
    this.gatewayId = parts.gatewayId;
    this.advertiseInterval = parts.advertiseInterval;
    this.#protocol = parts.protocol({
      write: (bytes, urgent) => this.#output.push(bytes, urgent),
      receive: (from, frame, reception) => parts.end.receive(this, from, frame, reception),
      tell: (text) => this.#tellOfRadio(text),
    });
    this.#output = new PacedOutput({
      clock: parts.clock,
      scheduler: parts.scheduler,
      bytesPerSecond,
      capacity: Math.max(QUEUE * bytesPerSecond, FRAMES_QUEUED * maximumFrame),
      patience: retryInterval,
    });
  }

  /** Where the line is, while it is there. */
  get where(): string | undefined {
    return this.#line?.where;
  }

  /** Looks for the line from now on; nothing waits for it. */
  async start(): Promise<void> {
    this.#running = true;
    this.#open();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#retry?.cancel();
    this.#parts.source.cancel();
    const line = this.#line;
    this.#forgetLine();
    await line?.close();
  }

  send(to: LinkAddress, frame: Uint8Array): void {
    if (this.#line !== undefined) this.#protocol.send(to, frame);
  }

  broadcast(frame: Uint8Array, radius = 0): void {
    if (this.#line !== undefined) this.#protocol.broadcast(frame, radius);
  }

  addressOf(key: string): LinkAddress | undefined {
    return this.#protocol.addressOf(key);
  }

  counters(): Readonly<Record<string, number>> {
    return {
      opened: this.#opened,
      bytesIn: this.#received,
      bytesOut: this.#output.sent,
      dropped: this.#output.dropped,
      ...this.#protocol.faults,
      ...this.#protocol.counters(),
    };
  }

  #open(): void {
    const { source, scheduler, backoff, log } = this.#parts;
    source
      .open((line) => this.#accept(line))
      .catch((error: unknown) => {
        if (!(error instanceof LineProblem)) throw error;
        if (!this.#running) return;
        if (error.message !== this.#told)
          log.warn(`link "${this.name}": ${error.message}; waiting`);
        this.#told = error.message;
        this.#retry = scheduler.after(backoff.next(), () => this.#open());
      });
  }

  #accept(line: Line): LineEnd {
    if (!this.#running) {
      void line.close();
      return { receive() {}, closed() {} };
    }
    this.#line = line;
    this.#opened++;
    this.#told = undefined;
    this.#protocol.reset();
    this.#output.open((bytes, written) => line.write(bytes, written));
    this.#parts.log.notice(`link "${this.name}": opened ${line.where}`);
    this.#parts.up(this);
    return {
      receive: (bytes) => {
        if (this.#line === line) this.#receive(bytes);
      },
      closed: (cause) => {
        if (this.#line === line) this.#closed(line, cause);
      },
    };
  }

  #closed(line: Line, cause: string): void {
    const { log, scheduler, backoff } = this.#parts;
    log.warn(`link "${this.name}": lost ${line.where}: ${cause}`);
    this.#forgetLine();
    this.#retry = scheduler.after(backoff.next(), () => this.#open());
  }

  #forgetLine(): void {
    if (this.#line === undefined) return;
    this.#line = undefined;
    this.#gap?.cancel();
    this.#gap = undefined;
    this.#output.close();
    this.#protocol.reset();
    this.#parts.down(this);
  }

  #receive(bytes: Uint8Array): void {
    this.#received += bytes.length;
    this.#parts.backoff.reset();
    this.#protocol.feed(bytes, this.#parts.clock.now());
    this.#watchGap();
    this.#tellOfFaults();
  }

  #watchGap(): void {
    this.#gap?.cancel();
    this.#gap = undefined;
    if (!this.#protocol.unfinished) return;
    this.#gap = this.#parts.scheduler.after(this.#parts.gap, () => {
      this.#gap = undefined;
      this.#protocol.silence();
      this.#tellOfFaults();
    });
  }

  #tellOfFaults(): void {
    const { faults } = this.#protocol;
    const sum = sumOf(faults);
    const now = this.#parts.clock.now();
    if (sum === this.#faultsTold || now - this.#faultsToldAt < LOG_SPAN) return;
    this.#faultsToldAt = now;
    const since = sum - this.#faultsTold;
    this.#faultsTold = sum;
    const causes = Object.entries(faults).filter(([, count]) => count > 0);
    const all = causes.map(([cause, count]) => `${cause} ${count}`).join(", ");
    this.#parts.log.warn(
      `link "${this.name}": dropped bytes that are no message, ${since} times since last told; in all: ${all}`,
    );
  }

  #tellOfRadio(text: string): void {
    const now = this.#parts.clock.now();
    const last = this.#radioToldAt.get(text) ?? Number.NEGATIVE_INFINITY;
    if (now - last < LOG_SPAN) return;
    this.#radioToldAt.set(text, now);
    this.#parts.log.notice(`link "${this.name}": ${text}`);
  }
}

function sumOf(faults: FramingFaults): number {
  let sum = 0;
  for (const count of Object.values(faults)) sum += count;
  return sum;
}
