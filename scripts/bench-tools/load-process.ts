/** Runs a load generator as a process of its own and answers what it measured. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** How long and how often is measured, and with what. */
export interface Pace {
  readonly rounds: number;
  /**
   * How long to load before measuring, so that what is compiled at run time is compiled; ms. Where the
   * server gets less than a core, loads wait longer, until it has worked as much.
   */
  readonly warmUp: number;
  /** How long to measure, ms; longer in the same way. */
  readonly duration: number;
  /** Octets of every payload. */
  readonly payload: number;
}

/** For what comes on top of warming up and measuring: connecting, waiting for what is late; ms. */
const MOST_EXTRA = 120_000;

const run = promisify(execFile);

/**
 * `program` is a TypeScript file that takes a job as JSON in its argument and prints a result as
 * JSON. Rejects with what it wrote to stderr when it fails, and when it takes far too long.
 */
export async function runLoad<Job extends Pick<Pace, "warmUp" | "duration">, Result>(
  program: string,
  job: Job,
): Promise<Result> {
  const timeout = job.warmUp + job.duration + MOST_EXTRA;
  try {
    const words = [program, JSON.stringify(job)];
    const { stdout } = await run(process.execPath, words, { timeout, killSignal: "SIGKILL" });
    return JSON.parse(stdout) as Result;
  } catch (error) {
    const { killed, stderr } = error as { killed?: boolean; stderr?: string };
    if (killed === true) throw new Error("the run was ended because it took too long");
    const [first] = (stderr ?? "").split("\n");
    throw new Error(first !== undefined && first !== "" ? first : (error as Error).message);
  }
}
