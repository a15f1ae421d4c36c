/** Runs a load generator as a process of its own and answers what it measured. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * `program` is a TypeScript file that takes a job as JSON in its argument and prints a result as
 * JSON. Rejects with what it wrote to stderr when it fails, or when it takes longer than `timeout` ms.
 */
export async function runLoad<Result>(
  program: string,
  job: unknown,
  timeout: number,
): Promise<Result> {
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
