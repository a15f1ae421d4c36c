/** What the client commands end with, and a failure as one line for the user. */

/** Exit codes of Mosquitto's clients, which take them from its library's errors. */
export const Exit = {
  success: 0,
  failure: 1,
  protocol: 2,
  disconnected: 4,
  lost: 7,
  tls: 8,
  notSupported: 10,
  keepAlive: 19,
  qosNotSupported: 24,
  tooLarge: 25,
  timeout: 27,
} as const;
export type Exit = (typeof Exit)[keyof typeof Exit];

/** A command that cannot do what was asked. */
export class CommandFailure extends Error {
  readonly exitCode: Exit;

  constructor(message: string, exitCode: Exit = Exit.failure) {
    super(message);
    this.name = "CommandFailure";
    this.exitCode = exitCode;
  }
}

/** Runs a command to its end, telling a failure in one line. Bugs throw on. */
export async function runToExit(action: () => Promise<Exit>): Promise<void> {
  try {
    process.exitCode = await action();
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    process.stderr.write(`Error: ${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
