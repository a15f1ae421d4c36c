/**
 * What plugins throw where nobody can catch it: in timers and callbacks of their own, in promises that
 * they do not wait for. Node would end the process; here it ends for what is not a plugin's only.
 */
import { inspect } from "node:util";
import { fenceAtWork, type PluginFence } from "./fence.ts";

export class StrayFaults {
  readonly #fences: readonly PluginFence[];
  readonly #take = (fault: unknown): void => {
    const fence = fenceAtWork() ?? this.#fences.find((one) => one.owns(fault));
    if (fence !== undefined) {
      fence.stray(fault);
      return;
    }
    // As Node does without us.
    process.stderr.write(`${inspect(fault)}\n`);
    process.exit(1);
  };

  constructor(fences: readonly PluginFence[]) {
    this.#fences = fences;
  }

  start(): void {
    process.on("uncaughtException", this.#take);
    process.on("unhandledRejection", this.#take);
  }

  stop(): void {
    process.off("uncaughtException", this.#take);
    process.off("unhandledRejection", this.#take);
  }
}
