/** The plugins of a mosquitto.conf: those that Mosquitto brings along are built into Midge. */
import { type ConfigDraft, PluginDraft, type TableDraft } from "./mosquitto-draft.ts";
import type { OptionLine, Report, Special } from "./mosquitto-line.ts";
import { fault } from "./mosquitto-words.ts";
import { quote } from "./show-value.ts";

export const PLUGIN_OPTIONS: Readonly<Record<string, Special>> = {
  auth_plugin: plugin,
  auth_plugin_deny_special_chars: denySpecialCharacters,
  global_plugin: globalPlugin,
  plugin,
  plugin_load: pluginLoad,
  plugin_use: pluginUse,
};

/** Options whose names continue as the plugin likes. */
const SETTING = /^(?:auth_opt|plugin_opt)_(.*)$/;

/** Reads `plugin_opt_KEY VALUE`; undefined if the word is none of these. */
export function pluginSetting(word: string): Special | undefined {
  const key = SETTING.exec(word)?.[1];
  if (key === undefined) return undefined;
  return ({ words, place, context }) => {
    if (key === "") fault("the name of the plugin's option is missing");
    context.plugin?.options.set(key, words.text(), place);
  };
}

/** For the listener with `per_listener_settings true`, otherwise for all. */
function plugin({ words, place, draft, context }: OptionLine): void {
  const loaded = new PluginDraft(place, words.text(), undefined, !draft.perListenerSettings);
  if (draft.perListenerSettings && context.listener !== undefined) {
    loaded.listeners.add(context.listener);
  }
  draft.plugins.push(loaded);
  context.plugin = loaded;
}

function globalPlugin({ words, place, draft, context }: OptionLine): void {
  draft.hasGlobalSecurity = true;
  context.plugin = new PluginDraft(place, words.text(), undefined, true);
  draft.plugins.push(context.plugin);
}

/** `plugin_load NAME PATH`: for those listeners that use it. */
function pluginLoad({ words, place, draft, context }: OptionLine): void {
  const name = words.word();
  if (draft.plugins.some((other) => other.name === name)) {
    fault(`a plugin ${quote(name)} is loaded already`);
  }
  context.plugin = new PluginDraft(place, words.text(), name, false);
  draft.plugins.push(context.plugin);
}

function pluginUse({ words, draft, context }: OptionLine): void {
  const name = words.text();
  const loaded = draft.plugins.find((one) => one.name === name);
  if (loaded === undefined) fault(`no plugin ${quote(name)} is loaded before`);
  if (context.listener !== undefined) loaded.listeners.add(context.listener);
  context.plugin = loaded;
}

/** It is one plugin's in Mosquitto; here it holds for all. */
function denySpecialCharacters({ words, place, draft }: OptionLine): void {
  draft.single.access.set("auth_plugin_deny_special_chars", words.flag(), place);
}

type Fulfil = (plugin: PluginDraft, draft: ConfigDraft, report: Report) => void;

/** Mosquitto's own plugins, by the name of the file without folder and ending. */
const BUNDLED: Readonly<Record<string, Fulfil>> = {
  mosquitto_acl_file: (loaded, draft, report) => fileOption(loaded, "acl_file", draft, report),
  mosquitto_dynamic_security: dynamicSecurity,
  mosquitto_password_file: (loaded, draft, report) =>
    fileOption(loaded, "password_file", draft, report),
  mosquitto_persist_sqlite: ({ place }, draft) => {
    draft.persistence = true;
    draft.single.store.set("mode", "strict", place);
  },
};

/** Turns the plugins into what they stand for. Listeners are complete by now. */
export function finishPlugins(draft: ConfigDraft, report: Report): void {
  for (const loaded of draft.plugins) {
    const base = baseName(loaded.path);
    const fulfil = Object.hasOwn(BUNDLED, base) ? BUNDLED[base] : undefined;
    if (fulfil !== undefined) fulfil(loaded, draft, report);
    else if (/\.(?:[cm]?js|[cm]?ts)$/.test(loaded.path)) addModule(loaded, draft);
    else report(loaded.place, noModule(loaded.path));
  }
  const modules = draft.plugins.filter((loaded) => draft.modules.some(isOf(loaded)));
  if (modules.length > 0) nameModules(modules, draft);
  for (const key of ["password_file", "acl_file"]) checkOneFile(key, draft, report);
}

function baseName(path: string): string {
  const file = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return file.replace(/\..*$/, "");
}

function noModule(path: string): string {
  return `${quote(path)} is a plugin for Mosquitto: Midge has those that come with Mosquitto built in, and takes JavaScript modules for others`;
}

/** Where the plugin has a say. */
function tablesOf({ everywhere, listeners }: PluginDraft, draft: ConfigDraft): TableDraft[] {
  return everywhere ? [draft.single.access] : [...listeners];
}

function fileOption(loaded: PluginDraft, key: string, draft: ConfigDraft, report: Report): void {
  const file = loaded.options.values[key];
  onlyKnown(loaded, [key], report);
  if (file === undefined) {
    report(loaded.place, `needs a line plugin_opt_${key} with the file behind it`);
    return;
  }
  const place = loaded.options.placeOf(key);
  for (const table of tablesOf(loaded, draft)) {
    if (table.has(key) && table.values[key] !== file) report(place, oneFile(key));
    table.set(key, file, place);
  }
}

function dynamicSecurity(loaded: PluginDraft, draft: ConfigDraft, report: Report): void {
  const { access } = draft.single;
  const { options } = loaded;
  onlyKnown(loaded, ["config_file", "password_init_file"], report);
  for (const table of tablesOf(loaded, draft)) table.set("dynamic_security", true, loaded.place);
  if (!options.has("config_file")) {
    report(loaded.place, "needs a line plugin_opt_config_file with the file behind it");
  }
  for (const [option, key] of [
    ["config_file", "dynamic_security_import"],
    ["password_init_file", "dynamic_security_password_init_file"],
  ] as const) {
    const file = options.values[option];
    if (file === undefined) continue;
    if (access.has(key) && access.values[key] !== file) {
      report(options.placeOf(option), "Midge has one set of dynamic security for all listeners");
    }
    access.set(key, file, options.placeOf(option));
  }
}

function onlyKnown(loaded: PluginDraft, known: readonly string[], report: Report): void {
  for (const option of Object.keys(loaded.options.values)) {
    if (known.includes(option)) continue;
    const names = known.map((name) => `plugin_opt_${name}`).join(" and ");
    report(loaded.options.placeOf(option), `unknown option of this plugin, which has ${names}`);
  }
}

/** A listener's own file would replace that of all listeners, where Mosquitto asks both. */
function checkOneFile(key: string, draft: ConfigDraft, report: Report): void {
  if (!draft.single.access.has(key)) return;
  for (const listener of draft.listeners) {
    if (listener.has(key)) report(listener.placeOf(key), oneFile(key));
  }
}

function oneFile(key: string): string {
  return `Midge takes one ${key} for a listener, and there is another`;
}

function isOf(loaded: PluginDraft): (module: TableDraft) => boolean {
  return (module) => module.place === loaded.place;
}

function addModule(loaded: PluginDraft, draft: ConfigDraft): void {
  const module = loaded.options;
  const options = { ...module.values };
  for (const key of Object.keys(module.values)) delete module.values[key];
  module.set("module", loaded.path, loaded.place);
  module.set("name", nameOf(loaded, draft), loaded.place);
  module.set("options", options, loaded.place);
  draft.modules.push(module);
}

/** Its own, or that of its file, told apart by a number. */
function nameOf(loaded: PluginDraft, draft: ConfigDraft): string {
  const taken = (name: string) => draft.modules.some(({ values }) => values.name === name);
  const base = loaded.name ?? baseName(loaded.path);
  let name = base;
  for (let count = 2; taken(name); count++) name = `${base}-${count}`;
  return name;
}

/** Tells each listener which modules have a say there. */
function nameModules(plugins: readonly PluginDraft[], draft: ConfigDraft): void {
  for (const listener of draft.listeners) {
    const used = plugins.filter((one) => one.everywhere || one.listeners.has(listener));
    const names = used.map((one) => draft.modules.find(isOf(one))?.values.name);
    listener.set("plugins", names, listener.place);
  }
}
