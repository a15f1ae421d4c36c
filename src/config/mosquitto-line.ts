/** One option of a mosquitto.conf, and what it may belong to there. */
import type { Place } from "./key-path.ts";
import type { ConfigDraft, PluginDraft, TableDraft } from "./mosquitto-draft.ts";
import type { Words } from "./mosquitto-words.ts";

export interface OptionLine {
  /** The option's name. */
  readonly word: string;
  /** What follows it. */
  readonly words: Words;
  readonly place: Place;
  readonly draft: ConfigDraft;
  /** What the lines before it in the same file began. */
  readonly context: FileContext;
  readonly warn: (message: string) => void;
}

export interface FileContext {
  listener: TableDraft | undefined;
  bridge: TableDraft | undefined;
  plugin: PluginDraft | undefined;
}

/** Reads an option that is more than one value for one key. Whatever its scope asks for is there. */
export type Special = (line: OptionLine) => void;

/** What is found when all lines are read. */
export type Report = (place: Place, message: string) => void;
