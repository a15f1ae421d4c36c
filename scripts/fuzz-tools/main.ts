/** scripts/fuzz: starts Midge, feeds it for the time asked for, and tells how it went. */
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Conversation, conversation } from "./conversation.ts";
import { carry } from "./feeder.ts";
import { type Midge, startMidge } from "./midge.ts";
import { type FuzzOptions, HELP, readOptions, UsageError } from "./options.ts";
import { Pair } from "./pair.ts";
import { Recording, readRecording } from "./recording.ts";
import { SnPair } from "./sn-pair.ts";

/** Conversations at a time; datagrams have no backpressure, and the links share what there is. */
const ABREAST = 30;
const LINKS_ABREAST = 12;
/** More resident memory at the end than this is a leak, bytes. */
const MOST_GROWTH = 100_000_000;
/** What is left behind has expired after this long, ms. */
const QUIET = 8000;
/** How often the state of things is looked at, ms. */
const LOOKING = 200;
/** Words that Midge says only of its own mistakes. */
const MISTAKES =
  /uncaught|unhandled|TypeError|RangeError|ReferenceError|AssertionError|heap out of memory/i;

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}

/** What is wrong by now; undefined if nothing is. */
function failureOf(midge: Midge, pairs: Pairs): string | undefined {
  if (midge.ended !== undefined) return `Midge ended (${midge.ended})`;
  const mistake = MISTAKES.exec(midge.said);
  if (mistake !== null) return `Midge said "${mistake[0]}"`;
  return pairs.mqtt.failure ?? pairs.node.failure;
}

/** Those who behave. */
interface Pairs {
  readonly mqtt: Pair;
  readonly node: SnPair;
}

/** Carries conversations until `next` has no more, so many abreast. */
async function feed(
  midge: Midge,
  recording: Recording,
  abreast: number,
  next: () => Conversation | undefined,
): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let one = next(); one !== undefined; one = next()) {
      recording.add(one);
      await carry(one, midge.ports);
    }
  };
  await Promise.all(Array.from({ length: abreast }, worker));
}

interface Outcome {
  readonly failure: string | undefined;
  readonly conversations: number;
}

async function run(
  options: FuzzOptions,
  midge: Midge,
  pairs: Pairs,
  recording: Recording,
): Promise<Outcome> {
  const { links, seconds, seed, replay } = options;
  const given = replay === undefined ? undefined : readRecording(readFileSync(replay, "utf8"));
  const end = performance.now() + seconds * 1000;
  let number = 0;
  let failure: string | undefined;
  const next = (): Conversation | undefined => {
    if (failure !== undefined) return undefined;
    if (given !== undefined) return given[number++];
    return performance.now() < end ? conversation(seed, number++, links) : undefined;
  };
  let before = midge.resident;
  let highest = before;
  const warm = performance.now() + seconds * 100;
  const looking = setInterval(() => {
    failure ??= failureOf(midge, pairs);
    if (midge.ended !== undefined) return;
    highest = Math.max(highest, midge.resident);
    if (performance.now() < warm) before = highest;
  }, LOOKING);
  await feed(midge, recording, links ? LINKS_ABREAST : ABREAST, next);
  await pause(QUIET);
  clearInterval(looking);
  failure ??= failureOf(midge, pairs);
  const after = midge.resident;
  tell(
    `${number} conversations; ${described("the pair", pairs.mqtt)}, ${described("the node", pairs.node)}; ` +
      `memory ${megabytes(before)} warm, ${megabytes(highest)} at most, ${megabytes(after)} at the end`,
  );
  if (after - before > MOST_GROWTH) {
    failure ??= `memory grew by ${megabytes(after - before)}; at most ${megabytes(MOST_GROWTH)} are allowed`;
  }
  return { failure, conversations: number };
}

function described(who: string, { count, slowest }: Pair | SnPair): string {
  return `${count} messages of ${who}, the slowest in ${Math.round(slowest)} ms`;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), Date.now() % 0xffffffff);
  if (options.help) {
    tell(HELP.trimEnd());
    return;
  }
  tell(options.replay === undefined ? `seed ${options.seed}` : `replaying ${options.replay}`);
  const midge = await startMidge();
  const pairs = { mqtt: new Pair(midge.ports.tcp), node: new SnPair(midge.ports.udp) };
  const recording = new Recording();
  let { failure } = { failure: undefined as string | undefined };
  try {
    await pairs.mqtt.start();
    await pairs.node.start();
    ({ failure } = await run(options, midge, pairs, recording));
  } finally {
    pairs.mqtt.stop();
    pairs.node.stop();
    const exit = await midge.stop();
    if (exit !== 0) failure ??= `Midge did not end in order (${exit})`;
  }
  if (failure === undefined) {
    tell("nothing was found");
    return;
  }
  const file = join(tmpdir(), `midge-fuzz-${options.seed}.txt`);
  writeFileSync(file, recording.text);
  tell(`FAILED: ${failure}\nthe last conversations are in ${file}\n${midge.said}`);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`scripts/fuzz: ${(error as Error).message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
