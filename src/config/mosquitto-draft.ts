/** A configuration as it takes shape while a mosquitto.conf is read, with the place of each value. */
import type { KeyPath, Place } from "./key-path.ts";
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

  placeOf(key: string): Place {
    return this.#places.get(key) ?? this.place;
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

export class ListenerDraft extends TableDraft {
  /** `socket_domain`: of all addresses, only those of this version of IP. */
  domain: "ipv4" | "ipv6" | undefined;
}

export class ConfigDraft {
  readonly broker: TableDraft;
  readonly store: TableDraft;
  readonly log: TableDraft;
  readonly listeners: ListenerDraft[] = [];
  readonly bridges: TableDraft[] = [];
  /** The listener that exists without a `listener` line. */
  defaultListener: ListenerDraft | undefined;
  /** No option says where to listen: Mosquitto then serves this machine only. */
  localOnly = true;
  perListenerSettings = false;
  /** A setting that `per_listener_settings` is about was made for all listeners. */
  hasGlobalSecurity = false;
  allowAnonymous: boolean | undefined;
  persistence = false;
  readonly logDestinations: { readonly name: string; readonly place: Place }[] = [];
  readonly logTypes = new Set<string>();
  #logTypesGiven = false;

  constructor(file: string) {
    const place = { file, line: 0, key: "" };
    this.broker = new TableDraft(place);
    this.store = new TableDraft(place);
    this.log = new TableDraft(place);
  }

  /** Mosquitto makes the default listener when an option first needs it. */
  useDefaultListener(place: Place): ListenerDraft {
    if (this.defaultListener === undefined) {
      this.defaultListener = new ListenerDraft(place);
      this.listeners.push(this.defaultListener);
    }
    return this.defaultListener;
  }

  addLogType(type: string): void {
    this.#logTypesGiven = true;
    if (type === "none") this.logTypes.clear();
    else this.logTypes.add(type);
  }

  get logTypesGiven(): boolean {
    return this.#logTypesGiven;
  }

  toRaw(): RawTable {
    const raw: Record<string, unknown> = {
      broker: this.broker.toRaw(),
      store: this.store.toRaw(),
      log: this.log.toRaw(),
      bridge: this.bridges.map((bridge) => bridge.toRaw()),
    };
    if (this.listeners.length > 0) {
      raw.listener = this.listeners.map((listener) => listener.toRaw());
    }
    return raw;
  }

  locate(path: KeyPath): Place {
    const [section, ...rest] = path;
    if (section === "listener") return placeIn(this.listeners, rest) ?? this.broker.place;
    if (section === "bridge") return placeIn(this.bridges, rest) ?? this.broker.place;
    const table = { broker: this.broker, store: this.store, log: this.log }[section ?? ""];
    return table?.placeOf(String(rest[0])) ?? this.broker.place;
  }
}

/** `path` begins with the index of a table. */
function placeIn(tables: readonly TableDraft[], path: KeyPath): Place | undefined {
  const [index, key, ...rest] = path;
  const table = tables[Number(index)];
  if (table === undefined || key === undefined) return table?.place;
  if (key === "topic") return placeIn(table.topics, rest) ?? table.place;
  return table.placeOf(String(key));
}
