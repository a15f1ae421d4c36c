/** What the commands of dynamic security work on. */
import type { CommandRefusal, CommandResult, ControlCommand } from "../../control/control-queue.ts";
import type { PasswordRecord } from "../password-records.ts";
import type { Json } from "./description.ts";
import type { DynsecModel } from "./model.ts";

export interface CommandContext {
  readonly model: DynsecModel;
  /** Something is different now: it is to be kept, and rights are to be looked at anew. */
  changed(): void;
  /** Disconnects who uses this name, or (undefined) none, once the answer is on its way. */
  kick(username: string | undefined): void;
  /** Hashes a new password. */
  hash(password: string, done: (record: PasswordRecord | CommandRefusal) => void): void;
  /** From where a client is connected. */
  connections(username: string, clientId: string | undefined): Json[];
}

export type CommandHandler = (command: ControlCommand, context: CommandContext) => CommandResult;
export type CommandTable = Readonly<Record<string, CommandHandler>>;
