/** How the words of `midge ctrl` become a command: fields in their order, some of them numbers. */
import type { JsonObject } from "../control/json-fields.ts";
import { CommandFailure } from "./exit-codes.ts";

/** A password that is yet to be asked for. */
export interface PasswordQuestion {
  readonly question: string;
  readonly repeated: string;
  /** Nothing typed means none. */
  readonly optional: boolean;
}

export interface ControlRequest {
  readonly command: JsonObject;
  readonly ask?: PasswordQuestion | undefined;
}

export interface Words {
  readonly usage: string;
  /** undefined where the words do not fit. */
  readonly read: (words: readonly string[]) => ControlRequest | undefined;
}

/** Words that are fields in their order, those in brackets optional, some of them numbers. */
export function plain(usage: string): Words {
  const fields = usage.split(" ").filter((word) => word !== "");
  const names = fields.map((word) => word.replace(/[[\]]/g, "").toLowerCase());
  const needed = fields.filter((word) => !word.startsWith("[")).length;
  return {
    usage,
    read: (words) => {
      if (words.length < needed || words.length > names.length) return undefined;
      const command: Record<string, unknown> = {};
      for (const [at, word] of words.entries()) {
        const name = names[at] as string;
        Object.assign(command, NUMBERS.has(name) ? number(name, word) : { [name]: word });
      }
      return { command };
    },
  };
}

const NUMBERS: ReadonlySet<string> = new Set(["priority", "count", "offset", "seconds", "id"]);

export function number(name: string, word: string | undefined): JsonObject {
  if (word === undefined) return {};
  if (!/^-?\d{1,9}$/.test(word)) throw new CommandFailure(`${name} must be a whole number.`);
  return { [name]: Number(word) };
}

export function oneOf(words: readonly string[], word: string | undefined): string | undefined {
  const wanted = word?.toLowerCase();
  return words.find((known) => known.toLowerCase() === wanted);
}
