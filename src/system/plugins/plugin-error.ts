/** A plugin that cannot be used: Midge does not start without what was to decide who may come in. */
export class PluginError extends Error {
  readonly code = "MIDGE_PLUGIN_FAILED";

  /** `path` is the module's file. */
  constructor(name: string, path: string, problem: string, cause?: unknown) {
    super(`plugin "${name}" (${path}): ${problem}`, cause === undefined ? undefined : { cause });
    this.name = "PluginError";
  }
}
