/** `-d`: Midge goes on in the background, once it is known whether it runs. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** By which a process knows that it is the one in the background. */
const MARK = "MIDGE_IN_BACKGROUND";

export function isInBackground(): boolean {
  return process.env[MARK] !== undefined;
}

/** Starts the same command again in the background. Fulfilled with an exit code: 0 once that is ready. */
export function goToBackground(): Promise<number> {
  const { execPath, execArgv, argv, env } = process;
  const child = spawn(execPath, [...execArgv, ...argv.slice(1)], {
    detached: true,
    // Until it is ready, its complaints are for whoever has started it.
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { ...env, [MARK]: "1" },
  });
  return new Promise((resolve) => {
    child.once("message", () => {
      child.disconnect();
      child.unref();
      resolve(0);
    });
    child.once("exit", (code) => resolve(code ?? 1));
    child.once("error", ({ message }) => {
      process.stderr.write(`midge: cannot start in the background: ${message}\n`);
      resolve(1);
    });
  });
}

/** In the background: tells that all is ready, and lets go of the terminal. */
export function leaveTerminal(): void {
  delete process.env[MARK];
  process.send?.("ready");
  for (const descriptor of [1, 2]) {
    closeSync(descriptor);
    // It gets the lowest number that is free.
    openSync("/dev/null", "w");
  }
}
