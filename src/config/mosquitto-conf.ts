/** Reads a mosquitto.conf(5), with the files that it includes, into Midge's own configuration. */
import { readdirSync } from "node:fs";
import { ConfigError, type Problem } from "./config-error.ts";
import type { Locate, Place } from "./key-path.ts";
import { ConfigDraft, type TableDraft } from "./mosquitto-draft.ts";
import {
  MOSQUITTO_OPTIONS,
  type MosquittoOption,
  mosquittoOption,
  type Scope,
} from "./mosquitto-options.ts";
import { type FileContext, NOT_SUPPORTED, type OptionLine, SPECIALS } from "./mosquitto-special.ts";
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
    finishListeners(draft);
    finishBridges(draft);
    this.#finishLog();
    if (!draft.persistence) draft.store.set("mode", "memory", draft.store.placeOf("mode"));
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
    const context: FileContext = { listener: undefined, bridge: undefined };
    for (const [index, line] of text.split("\n").entries()) {
      const words = new Words(line.replace(/\r+$/, ""));
      const word = words.next();
      if (word === undefined || word.startsWith("#")) continue;
      const place: Place = { file, line: index + 1, key: showKey(word) };
      const warn = (message: string) => this.#warnings.push({ ...place, message });
      const option: OptionLine = { words, place, context, draft: this.#draft, warn };
      try {
        if (word === "include_dir") this.#includeDirectory(words.text(), main);
        else readOption(word, option);
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

  /** One destination, which is a file if there is one. */
  #finishLog(): void {
    const { log, logDestinations } = this.#draft;
    const chosen =
      logDestinations.find((one) => one.name.startsWith("file ")) ?? logDestinations.at(-1);
    if (chosen === undefined) {
      log.set("destination", "stderr", log.place);
      return;
    }
    for (const { name, place } of logDestinations) {
      if (name === chosen.name || name === "none") continue;
      this.#warnings.push({
        ...place,
        message: `Midge logs to one place only, and not to ${name}`,
      });
    }
    const { name, place } = chosen;
    if (name.startsWith("file ")) log.set("destination", name.slice("file ".length), place);
    else if (name === "none") log.set("level", "none", place);
    else log.set("destination", name === "stdout" ? "stdout" : "stderr", place);
    if (!["stdout", "stderr", "none"].includes(name) && !name.startsWith("file ")) {
      this.#warnings.push({ ...place, message: `Midge does not log to ${name}, but to stderr` });
    }
  }
}

/** Upper case goes before lower case, letter by letter: 01 A a B b. */
function byNameUpperFirst(a: string, b: string): number {
  const [plainA, plainB] = [a.toLowerCase(), b.toLowerCase()];
  if (plainA !== plainB) return plainA < plainB ? -1 : 1;
  return a < b ? -1 : 1;
}

function readOption(word: string, line: OptionLine): void {
  const option = mosquittoOption(word);
  if (option === undefined) fault(unknown(word));
  // That it is not supported matters more than where it stands.
  if (option.meaning.kind !== "unsupported") meetScope(option.scope, line);
  apply(word, option, line);
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
    case "global":
      return;
    case "bridge":
      if (context.bridge === undefined) fault("needs a connection line before it");
      return;
    case "plugin":
      fault(NOT_SUPPORTED);
      return;
    case "anyListener":
      context.listener ??= draft.useDefaultListener(place);
      return;
    case "security":
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

function apply(word: string, { scope, meaning }: MosquittoOption, line: OptionLine): void {
  const { words, place, warn } = line;
  const table = tableOf(scope, line);
  switch (meaning.kind) {
    case "special":
      SPECIALS[word]?.(line);
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
      if (table.has(meaning.key)) fault("given twice");
      table.set(meaning.key, words.text(), place);
      break;
    case "unsupported":
      if (meaning.unless === undefined || !says(words.next(), meaning.unless)) fault(NOT_SUPPORTED);
  }
}

/** The table that a key of this scope is set in. */
function tableOf(scope: Scope, { draft, context }: OptionLine): TableDraft {
  const table = scope === "bridge" ? context.bridge : context.listener;
  return scope === "global" || table === undefined ? draft.broker : table;
}

/** What Mosquitto takes for granted about listeners. */
function finishListeners(draft: ConfigDraft): void {
  const { localOnly, perListenerSettings, allowAnonymous } = draft;
  if (draft.listeners.length === 0 && allowAnonymous !== undefined) {
    draft.useDefaultListener(draft.broker.place);
  }
  const everything = { ipv4: "0.0.0.0", ipv6: "::" };
  for (const listener of draft.listeners) {
    const { domain, place } = listener;
    if (!listener.has("port")) listener.set("port", 1883, place);
    if (!listener.has("address")) {
      const all = domain === undefined ? "" : everything[domain];
      listener.set("address", localOnly ? "127.0.0.1" : all, place);
    }
    if (!listener.has("allow_anonymous")) {
      const general = perListenerSettings ? undefined : allowAnonymous;
      listener.set("allow_anonymous", general ?? localOnly, place);
    }
  }
}

/** A bridge keeps to the limit of all clients; 0 is no limit but the protocol's own. */
function finishBridges({ broker, bridges }: ConfigDraft): void {
  const limit = broker.values.max_inflight_messages;
  if (limit === undefined) return;
  const place = broker.placeOf("max_inflight_messages");
  for (const bridge of bridges)
    bridge.set("max_inflight_messages", limit === 0 ? 65_535 : limit, place);
}
