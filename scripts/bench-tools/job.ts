/** The worker's side of a run: a job as JSON in the program's argument, its result as JSON on stdout. */

/** Ends the program, telling why. */
export function fail(cause: string): never {
  process.stderr.write(`${cause}\n`);
  process.exit(1);
}

/** Does the job that this program was started with, tells the result, and ends the program. */
export async function answerJob<Job, Result>(run: (job: Job) => Promise<Result>): Promise<never> {
  try {
    const result = await run(JSON.parse(process.argv[2] ?? "{}") as Job);
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } catch (error) {
    fail((error as Error).message);
  }
  process.exit(0);
}
