/** Reads a mosquitto.conf(5), with the files that it includes, into Midge's own configuration. */
import { readdirSync } from "node:fs";
import { ConfigError, type Problem } from "./config-error.ts";
import type { Locate, Place } from "./key-path.ts";
import { finishBridges } from "./mosquitto-bridges.ts";
import { ConfigDraft, type TableDraft } from "./mosquitto-draft.ts";
import type { FileContext, OptionLine, Report } from "./mosquitto-line.ts";
import { finishListeners } from "./mosquitto-listeners.ts";
import {
  MOSQUITTO_OPTIONS,
  type MosquittoOption,
  mosquittoOption,
  type Scope,
} from "./mosquitto-options.ts";
import { finishPlugins } from "./mosquitto-plugins.ts";
import { finishLog, specialFor } from "./mosquitto-special.ts";
import { fault, OptionFault, Words } from "./mosquitto-words.ts";
import { attempt, readText } from "./read-text.ts";
import { showKey } from "./show-value.ts";
import { suggest } from "./suggest.ts";
import type { RawTable } from "./validate.ts";

export interface MosquittoConf {
  readonly raw: RawTable;
  readonly locate: Locate;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** No option says where to listen, so that a port given on the command line holds. */
  readonly localOnly: boolean;
}

/** `text` is that of `file`. Included files are read from where the system finds them. */
export function readMosquittoConf(text: string, file: string): MosquittoConf {
  return new ConfReader(file).read(text);
}

class ConfReader {
  readonly #file: string;
  readonly #draft: ConfigDraft;
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];

  constructor(file: string) {
    this.#file = file;
    this.#draft = new ConfigDraft(file);
  }

  read(text: string): MosquittoConf {
    const draft = this.#draft;
    this.#readFile(text, this.#file, true);
    const report: Report = (place, message) => this.#problems.push({ ...place, message });
    const warn: Report = (place, message) => this.#warnings.push({ ...place, message });
    finishListeners(draft, report, warn);
    finishPlugins(draft, report);
    finishBridges(draft);
    finishLog(draft);
    finishBroker(draft);
    return {
      raw: draft.toRaw(),
      locate: (path) => draft.locate(path),
      problems: this.#problems,
      warnings: this.#warnings,
      localOnly: draft.localOnly,
    };
  }

  /** Listeners and connections that a file begins end with it, as in Mosquitto. */
  #readFile(text: string, file: string, main: boolean): void {
    const context: FileContext = { listener: undefined, bridge: undefined, plugin: undefined };
    for (const [index, line] of text.split("\n").entries()) {
      const words = new Words(line.replace(/\r+$/, ""));
      const word = words.next();
      if (word === undefined || word.startsWith("#")) continue;
      const place: Place = { file, line: index + 1, key: showKey(word) };
      const warn = (message: string) => this.#warnings.push({ ...place, message });
      const option: OptionLine = { word, words, place, context, draft: this.#draft, warn };
      try {
        if (word === "include_dir") this.#includeDirectory(words.text(), main);
        else readOption(option);
      } catch (error) {
        if (error instanceof OptionFault) {
          this.#problems.push({ ...place, message: error.message });
        } else if (error instanceof ConfigError) {
          this.#problems.push({ ...place, message: error.message });
        } else {
          throw error;
        }
      }
    }
  }

  #includeDirectory(directory: string, main: boolean): void {
    if (!main) fault("only the main file may include others");
    const names = attempt(directory, () => readdirSync(directory));
    const wanted = names.filter((name) => name.endsWith(".conf") && name !== ".conf");
    for (const name of wanted.sort(byNameUpperFirst)) {
      const file = `${directory}${directory.endsWith("/") ? "" : "/"}${name}`;
      try {
        this.#readFile(readText(file), file, false);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        this.#problems.push(...error.problems);
      }
    }
  }
}

/** Upper case goes before lower case, letter by letter: 01 A a B b. */
function byNameUpperFirst(a: string, b: string): number {
  const [plainA, plainB] = [a.toLowerCase(), b.toLowerCase()];
  if (plainA !== plainB) return plainA < plainB ? -1 : 1;
  return a < b ? -1 : 1;
}

function readOption(line: OptionLine): void {
  const option = mosquittoOption(line.word);
  if (option === undefined) fault(unknown(line.word));
  // That it is not supported matters more than where it stands.
  if (option.meaning.kind !== "refused") meetScope(option.scope, line);
  apply(option, line);
}

function unknown(word: string): string {
  const [first = "", second] = word.split("\t");
  if (second !== undefined && mosquittoOption(first) !== undefined) {
    return "a space must follow the option's name, not a tab";
  }
  const near = suggest(word, Object.keys(MOSQUITTO_OPTIONS));
  return near === undefined ? "unknown option" : `unknown option; did you mean ${near}?`;
}

/** Flags may be written as numbers, too. */
function says(value: string | undefined, wanted: string): boolean {
  if (wanted === "true" && value === "1") return true;
  return value === wanted || (wanted === "false" && value === "0");
}

/** Sees to it that there is what the option belongs to. */
function meetScope(scope: Scope, { draft, context, place }: OptionLine): void {
  switch (scope) {
    case "broker":
    case "access":
    case "log":
    case "process":
    case "anywhere":
      return;
    case "bridge":
      if (context.bridge === undefined) fault("needs a connection line before it");
      return;
    case "plugin":
      if (context.plugin === undefined) fault("needs a plugin line before it");
      return;
    case "anyListener":
      context.listener ??= draft.useDefaultListener(place);
      return;
    case "security":
    case "securityOfBroker":
      if (!draft.perListenerSettings) {
        draft.hasGlobalSecurity = true;
        return;
      }
      break;
    case "listener":
      break;
  }
  if (context.listener === undefined) fault("needs a listener line before it");
}

function apply({ scope, meaning }: MosquittoOption, line: OptionLine): void {
  const { words, place, warn } = line;
  const table = tableOf(scope, line);
  switch (meaning.kind) {
    case "special":
      specialFor(line.word)?.(line);
      break;
    case "ignored":
      if (meaning.silent === undefined || !says(words.next(), meaning.silent)) {
        warn(`has no effect: ${meaning.why}`);
      }
      break;
    case "number": {
      const value = words.integer();
      table.set(meaning.key, meaning.adapt?.(value) ?? value, place);
      break;
    }
    case "flag":
      table.set(meaning.key, words.flag(), place);
      break;
    case "text":
      if (meaning.once && table.has(meaning.key)) fault("given twice");
      table.set(meaning.key, words.text(), place);
      break;
    case "item":
      table.add(meaning.key, words.text(), place);
      break;
    case "refused":
      if (meaning.unless === undefined || !says(words.next(), meaning.unless)) fault(meaning.why);
  }
}

/** The table that a key of this scope is set in. */
function tableOf(scope: Scope, { draft, context }: OptionLine): TableDraft {
  const { single } = draft;
  switch (scope) {
    case "access":
    case "log":
    case "process":
      return single[scope];
    case "bridge":
      return context.bridge ?? single.broker;
    case "listener":
    case "anyListener":
      return context.listener ?? single.broker;
    case "security":
      return draft.perListenerSettings ? (context.listener ?? single.access) : single.access;
    case "securityOfBroker":
      return draft.perListenerSettings ? (context.listener ?? single.broker) : single.broker;
    default:
      return single.broker;
  }
}

/** Mosquitto's defaults where Midge has others of its own. */
function finishBroker({ single, persistence }: ConfigDraft): void {
  const { access, broker, store } = single;
  if (!persistence) store.set("mode", "memory", store.placeOf("mode"));
  if (!broker.has("allow_duplicate_messages")) {
    broker.set("allow_duplicate_messages", true, broker.place);
  }
  access.set("strict_subscribe", false, access.place);
}
