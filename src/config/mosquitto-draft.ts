/** A configuration as it takes shape while a mosquitto.conf is read, with the place of each value. */
import { formatPath, type KeyPath, type Place } from "./key-path.ts";
import type { RawTable } from "./validate.ts";

/** One table of the configuration. */
export class TableDraft {
  /** Where it begins; the line of values that stand nowhere. */
  readonly place: Place;
  readonly values: Record<string, unknown> = {};
  readonly #places = new Map<string, Place>();
  /** The sections inside: the topics of a bridge. */
  readonly topics: TableDraft[] = [];
  readonly #topicsSeen = new Set<string>();

  constructor(place: Place) {
    this.place = place;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.values, key);
  }

  set(key: string, value: unknown, place: Place): void {
    this.values[key] = value;
    this.#places.set(key, place);
  }

  /** One more for a list. */
  add(key: string, value: unknown, place: Place): void {
    const before = this.values[key];
    const list = Array.isArray(before) ? before : [];
    this.set(key, [...list, value], place);
    this.#places.set(formatPath([key, list.length]), place);
  }

  /** `path` is within this table. */
  placeOf(...path: KeyPath): Place {
    const [key = "", index] = path;
    const exact =
      typeof index === "number" ? this.#places.get(formatPath([key, index])) : undefined;
    return exact ?? this.#places.get(String(key)) ?? this.place;
  }

  /** False if there is the same already. */
  addTopic(topic: TableDraft): boolean {
    const key = JSON.stringify(topic.values);
    if (this.#topicsSeen.has(key)) return false;
    this.#topicsSeen.add(key);
    this.topics.push(topic);
    return true;
  }

  toRaw(): RawTable {
    if (this.topics.length === 0) return this.values;
    return { ...this.values, topic: this.topics.map((topic) => topic.toRaw()) };
  }
}

/** Sections that there is one of. */
const SINGLE = ["broker", "access", "http", "store", "log", "process"] as const;
type Single = (typeof SINGLE)[number];

export class ConfigDraft {
  readonly single: Readonly<Record<Single, TableDraft>>;
  readonly listeners: TableDraft[] = [];
  readonly bridges: TableDraft[] = [];
  /** Those that are modules of Midge's own; Mosquitto's are options of others. */
  readonly modules: TableDraft[] = [];
  readonly plugins: PluginDraft[] = [];
  /** The listener that exists without a `listener` line. */
  defaultListener: TableDraft | undefined;
  /** No option says where to listen: Mosquitto then serves this machine only. */
  localOnly = true;
  perListenerSettings = false;
  /** A setting that `per_listener_settings` is about was made for all listeners. */
  hasGlobalSecurity = false;
  persistence = false;
  /** Of WebSocket requests, bytes. */
  headersSize: { readonly value: number; readonly place: Place } | undefined;

  constructor(file: string) {
    const table = () => new TableDraft({ file, line: 0, key: "" });
    this.single = {
      broker: table(),
      access: table(),
      http: table(),
      store: table(),
      log: table(),
      process: table(),
    };
  }

  /** The place of what stands nowhere. */
  get place(): Place {
    return this.single.broker.place;
  }

  /** Mosquitto makes the default listener when an option first needs it. */
  useDefaultListener(place: Place): TableDraft {
    if (this.defaultListener === undefined) {
      this.defaultListener = new TableDraft(place);
      this.listeners.push(this.defaultListener);
    }
    return this.defaultListener;
  }

  toRaw(): RawTable {
    const raw: Record<string, unknown> = {
      bridge: this.bridges.map((bridge) => bridge.toRaw()),
      plugin: this.modules.map((module) => module.toRaw()),
    };
    for (const section of SINGLE) raw[section] = this.single[section].toRaw();
    if (this.listeners.length > 0 || !this.localOnly) {
      raw.listener = this.listeners.map((listener) => listener.toRaw());
    }
    return raw;
  }

  locate(path: KeyPath): Place {
    const [section = "", ...rest] = path;
    if (section === "listener") return placeIn(this.listeners, rest) ?? this.place;
    if (section === "bridge") return placeIn(this.bridges, rest) ?? this.place;
    if (section === "plugin") return placeIn(this.modules, rest) ?? this.place;
    const name = SINGLE.find((one) => one === section);
    return name === undefined ? this.place : this.single[name].placeOf(...rest);
  }
}

/** A plugin that a line loads: one of Mosquitto's own, or a module. */
export class PluginDraft {
  readonly place: Place;
  /** By which `plugin_use` calls it. */
  readonly name: string | undefined;
  readonly path: string;
  /** It has a say on all listeners. */
  readonly everywhere: boolean;
  /** It has a say on these. */
  readonly listeners = new Set<TableDraft>();
  /** What `plugin_opt_` lines say, without that. */
  readonly options: TableDraft;

  constructor(place: Place, path: string, name: string | undefined, everywhere: boolean) {
    this.place = place;
    this.path = path;
    this.name = name;
    this.everywhere = everywhere;
    this.options = new TableDraft(place);
  }
}

/** `path` begins with the index of a table. */
function placeIn(tables: readonly TableDraft[], path: KeyPath): Place | undefined {
  const [index, key, ...rest] = path;
  const table = tables[Number(index)];
  if (table === undefined || key === undefined) return table?.place;
  if (key === "topic") return placeIn(table.topics, rest) ?? table.place;
  return table.placeOf(key, ...rest);
}
