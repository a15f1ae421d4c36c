/** A run with a server of its own, so that none inherits memory or trouble from the run before. */
import type { RunningServer } from "./server-process.ts";

export async function withServer<Result>(
  start: () => Promise<RunningServer>,
  measure: (server: RunningServer) => Promise<Result>,
): Promise<Result> {
  const server = await start();
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}
