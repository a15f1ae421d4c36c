/**
 * What the store costs on what it might be built on: bytes that reach the disk for each message,
 * commits and messages per second, memory, and what damage costs. Run it by itself:
 * node scripts/bench-tools/store-bench.ts. As root it makes a disk of its own, so that it counts what
 * reaches the block device, the file system's own records included. --damage leaves the loads out.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { CANDIDATES, type CandidateName, openCandidate } from "./store-candidates.ts";
import type { StoreJob, StoreResult } from "./store-load.ts";

const SECTOR = 512;
/** Of the columns of figures. */
const WIDTHS = [9, 9, 12, 12, 7];
const DISK = 512 * 1024 * 1024;
/** Stores that are damaged, for each kind of damage. */
const TRIALS = 40;
const DAMAGED_MESSAGES = 20_000;

const LOADS: readonly (Pick<StoreJob, "group" | "messages" | "drain"> & { name: string })[] = [
  { name: "1 message a commit", group: 1, messages: 2000, drain: false },
  { name: "1 a commit, drained", group: 1, messages: 2000, drain: true },
  { name: "100 a commit", group: 100, messages: 100_000, drain: false },
  { name: "100 a commit, drained", group: 100, messages: 100_000, drain: true },
];

/** A place for stores; `sectors` answers how many have been written to its device. */
interface Place {
  readonly folder: string;
  sectors(): number | undefined;
  leave(): void;
}

function ownDisk(scratch: string): Place {
  const image = join(scratch, "disk");
  const folder = join(scratch, "mounted");
  mkdirSync(folder);
  execFileSync("truncate", ["-s", String(DISK), image]);
  execFileSync("mkfs.ext4", ["-q", image]);
  execFileSync("mount", ["-o", "loop", image, folder]);
  const device = execFileSync("findmnt", ["-n", "-o", "SOURCE", folder], { encoding: "utf8" });
  const stat = `/sys/block/${basename(device.trim())}/stat`;
  return {
    folder,
    sectors: () => {
      execFileSync("sync", ["-f", folder]);
      return Number(readFileSync(stat, "utf8").trim().split(/\s+/)[6]);
    },
    leave: () => {
      execFileSync("umount", [folder]);
      rmSync(image);
      rmSync(folder, { recursive: true });
    },
  };
}

function plainFolder(scratch: string): Place {
  const folder = mkdtempSync(join(scratch, "store-"));
  return { folder, sectors: () => undefined, leave: () => rmSync(folder, { recursive: true }) };
}

function place(scratch: string): Place {
  try {
    return ownDisk(scratch);
  } catch {
    rmSync(join(scratch, "mounted"), { recursive: true, force: true });
    return plainFolder(scratch);
  }
}

function run(job: StoreJob): StoreResult {
  const words = [join(import.meta.dirname, "store-load.ts"), JSON.stringify(job)];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" })) as StoreResult;
}

function measure(candidate: CandidateName, scratch: string): void {
  for (const { name, ...load } of LOADS) {
    const { folder, sectors, leave } = place(scratch);
    try {
      const before = sectors();
      const { seconds, commits, memory, written } = run({ candidate, folder, ...load });
      const after = sectors();
      const device =
        before === undefined || after === undefined ? undefined : (after - before) * SECTOR;
      const each = (bytes: number | undefined) =>
        bytes === undefined ? "-" : String(Math.round(bytes / load.messages));
      const figures = [
        String(Math.round(commits / seconds)),
        String(Math.round(load.messages / seconds)),
        each(device),
        each(written),
        (memory / 1e6).toFixed(0),
      ].map((figure, index) => figure.padStart(WIDTHS[index] ?? 0));
      process.stdout.write(`${candidate.padEnd(14)} ${name.padEnd(22)} ${figures.join(" ")}\n`);
    } finally {
      leave();
    }
  }
}

type Harm = (file: string, size: number, at: number) => Promise<void>;

async function write(file: string, at: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "r+");
  await handle.write(bytes, 0, bytes.length, at);
  await handle.close();
}

const HARMS: readonly (readonly [string, Harm])[] = [
  [
    "last file cut short",
    async (file, _size, at) => {
      const handle = await open(file, "r+");
      await handle.truncate(at);
      await handle.close();
    },
  ],
  [
    "a sector of zeros",
    (file, _size, at) => write(file, at - (at % SECTOR), new Uint8Array(SECTOR)),
  ],
  [
    "a flipped bit",
    async (file, _size, at) => {
      const byte = readFileSync(file)[at] ?? 0;
      await write(file, at, Uint8Array.of(byte ^ (1 << (at % 8))));
    },
  ],
];

/** Files of a store that hold records. */
function dataFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ldb|log|sqlite|sqlite-wal)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => statSync(file).size > 0);
}

/** Damages copies of a store in many ways, and counts what can be read of each. */
async function damage(candidate: CandidateName, scratch: string): Promise<void> {
  const original = mkdtempSync(join(scratch, "whole-"));
  const load = { group: 100, messages: DAMAGED_MESSAGES, drain: false, killed: true };
  try {
    run({ candidate, folder: original, ...load });
  } catch {
    // It was killed, as was asked for.
  }
  for (const [name, harm] of HARMS) {
    let unreadable = 0;
    let least = DAMAGED_MESSAGES;
    let sum = 0;
    for (let trial = 0; trial < TRIALS; trial++) {
      const copy = join(scratch, "copy");
      cpSync(original, copy, { recursive: true });
      const files = dataFiles(copy);
      const file = name.startsWith("last")
        ? (files.find((one) => /\.(log|sqlite-wal)$/.test(one)) ?? files[0])
        : files[trial % files.length];
      const { size } = statSync(file as string);
      await harm(file as string, size, Math.floor((size * (trial + 0.5)) / TRIALS));
      let found = 0;
      try {
        const store = await openCandidate(candidate, copy);
        found = await store.count();
        await store.close();
      } catch {
        unreadable++;
      }
      least = Math.min(least, found);
      sum += found;
      rmSync(copy, { recursive: true });
    }
    const mean = ((100 * sum) / TRIALS / DAMAGED_MESSAGES).toFixed(1);
    process.stdout.write(
      `${candidate.padEnd(14)} ${name.padEnd(22)} read ${mean} % of records on average, ` +
        `${((100 * least) / DAMAGED_MESSAGES).toFixed(1)} % at worst; ${unreadable} of ${TRIALS} cannot be opened or read through\n`,
    );
  }
  rmSync(original, { recursive: true });
}

const TITLES = ["commits/s", "msgs/s", "device B/msg", "process B/m", "RSS MB"];

async function main(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "midge-store-bench-"));
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  if (!process.argv.includes("--damage")) {
    const titles = TITLES.map((title, index) => title.padStart(WIDTHS[index] ?? 0));
    process.stdout.write(`${"".padEnd(37)} ${titles.join(" ")}\n`);
    for (const candidate of CANDIDATES) measure(candidate, scratch);
  }
  for (const candidate of CANDIDATES) await damage(candidate, scratch);
}

await main();
// The thread of a database that could not be opened is not waited for.
process.exit();
