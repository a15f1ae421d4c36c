/** A process that loads one store and prints what that took: a line of JSON. */
import { readFileSync } from "node:fs";
import { type CandidateName, type Change, openCandidate } from "./store-candidates.ts";

export interface StoreJob {
  readonly candidate: CandidateName;
  readonly folder: string;
  /** Messages that are kept in one commit. */
  readonly group: number;
  readonly messages: number;
  /** Whether each message is deleted again, in the commit after the next. */
  readonly drain: boolean;
  /** Whether it ends without closing, as a power cut would have it. */
  readonly killed?: boolean | undefined;
}

export interface StoreResult {
  readonly seconds: number;
  readonly commits: number;
  /** Above what the process took before the store was opened, bytes. */
  readonly memory: number;
  /** As the kernel counts for this process: pages given to the disk, bytes. */
  readonly written: number;
}

/** Octets of a record's value: a reading in JSON with its topic. */
const VALUE = 150;

function reading(n: number): Uint8Array {
  const text = `\x03site/hall/${n % 97}/state{"n":${n},"temperature":${(n * 7919) % 400},"unit":"C"`;
  return new TextEncoder().encode(text.padEnd(VALUE, `,"humidity":${(n * 104729) % 1000}`));
}

function key(n: number): string {
  return `q/cloud\0${n.toString(16).padStart(12, "0")}`;
}

function written(): number {
  const text = readFileSync("/proc/self/io", "utf8");
  return Number(/^write_bytes: (\d+)$/m.exec(text)?.[1] ?? 0);
}

async function main(job: StoreJob): Promise<StoreResult> {
  const before = process.memoryUsage.rss();
  const store = await openCandidate(job.candidate, job.folder);
  const writtenBefore = written();
  const startedAt = performance.now();
  let commits = 0;
  for (let first = 0; first < job.messages; first += job.group) {
    const changes: Change[] = [];
    for (let n = first; n < first + job.group; n++) {
      changes.push([key(n), reading(n)]);
      if (job.drain && n >= 2 * job.group) changes.push([key(n - 2 * job.group), undefined]);
    }
    await store.commit(changes);
    commits++;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const memory = process.memoryUsage.rss() - before;
  if (job.killed === true) process.kill(process.pid, "SIGKILL");
  await store.close();
  return { seconds, commits, memory, written: written() - writtenBefore };
}

const result = await main(JSON.parse(process.argv[2] ?? "{}") as StoreJob);
process.stdout.write(`${JSON.stringify(result)}\n`);
