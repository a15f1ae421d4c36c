/**
 * Host names to addresses. The system's resolver runs in the thread pool that file access shares and
 * cannot be cancelled, and without an answering name server it blocks for up to half a minute: so
 * few lookups run at a time, and those for the same name are one.
 */
import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
type Resolve = (hostname: string, answer: Answer) => void;

const RUNNING_AT_A_TIME = 2;

const resolveBySystem: Resolve = (hostname, answer) => {
  systemLookup(hostname, { all: true }, answer);
};

export class NameLookup {
  readonly #resolve: Resolve;
  readonly #waiting = new Map<string, Answer[]>();
  readonly #queue: string[] = [];
  #running = 0;

  /** `resolve`: how a name is looked up in the end. */
  constructor(resolve: Resolve = resolveBySystem) {
    this.#resolve = resolve;
  }

  /** For the `lookup` option of a socket. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const family = isIP(hostname);
    if (family !== 0) {
      process.nextTick(() => answerOne(null, [{ address: hostname, family }]));
      return;
    }
    const waiting = this.#waiting.get(hostname);
    if (waiting !== undefined) {
      waiting.push(answerOne);
      return;
    }
    this.#waiting.set(hostname, [answerOne]);
    this.#queue.push(hostname);
    this.#next();

    function answerOne(error: NodeJS.ErrnoException | null, addresses: LookupAddress[]): void {
      const first = addresses?.[0];
      if (error !== null || first === undefined) callback(error ?? noAddress(hostname), "", 4);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    }
  };

  #next(): void {
    if (this.#running >= RUNNING_AT_A_TIME) return;
    const hostname = this.#queue.shift();
    if (hostname === undefined) return;
    this.#running++;
    this.#resolve(hostname, (error, addresses) => {
      this.#running--;
      const waiting = this.#waiting.get(hostname) ?? [];
      this.#waiting.delete(hostname);
      for (const answer of waiting) answer(error, addresses);
      this.#next();
    });
  }
}

function noAddress(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no address for ${hostname}`), { code: "ENODATA" });
}
