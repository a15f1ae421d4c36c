// The shape of one management command of the gateway: its parameters in, its data or its error out.

/** What a command came to: data for the answer (absent when there is nothing to say), or why it was refused. */
export type ControlResult =
  | { readonly data?: Readonly<Record<string, unknown>> | undefined }
  | { readonly error: string };

/** One management command; `parameters` is the command's JSON object as it arrived, unchecked. */
export type ControlCommand = (parameters: Readonly<Record<string, unknown>>) => ControlResult;

/** A table of management commands by name. */
export type ControlCommands = ReadonlyMap<string, ControlCommand>;

/** Commands that belong together, of one concern of the gateway. */
export interface ControlPart {
  readonly commands: ControlCommands;
  /**
   * Asked after each request: calls `done` once what its commands have changed is kept, or cannot be
   * for long. Left out where nothing is kept.
   */
  settled?(done: () => void): void;
}
