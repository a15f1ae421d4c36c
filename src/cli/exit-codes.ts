/** Failures of the MQTT-SN commands as one line for the user and an exit code of Mosquitto's clients. */

export const ExitCode = { success: 0, failure: 1, lost: 7, timeout: 27 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A command that cannot do what was asked. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.failure) {
    super(message);
    this.name = "CommandFailure";
    this.exitCode = exitCode;
  }
}

/** Runs a command to its end, telling a failure in one line. Bugs throw on. */
export async function runToExit(action: () => Promise<ExitCode>): Promise<void> {
  try {
    process.exitCode = await action();
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    process.stderr.write(`Error: ${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
