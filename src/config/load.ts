/** From a file, or from none, to a checked configuration. */
import { dirname, resolve } from "node:path";
import { advise } from "./advice.ts";
import { withNamesApart } from "./automatic-names.ts";
import { withBridgeDefaults } from "./bridge-presets.ts";
import { ConfigError, type Problem } from "./config-error.ts";
import { crossCheck } from "./cross-checks.ts";
import { checkFiles } from "./files.ts";
import type { CrossFindings, Source } from "./findings.ts";
import { formatPath, type KeyPath, type Locate } from "./key-path.ts";
import { readMosquittoConf } from "./mosquitto-conf.ts";
import { readPredefinedTopicFile } from "./predefined-topic-file.ts";
import { readText } from "./read-text.ts";
import type { Config, GivenConfig } from "./schema.ts";
import { settle, settleParts } from "./settle.ts";
import { readToml } from "./toml-file.ts";
import {
  assemble,
  type Finding,
  isTable,
  type RawTable,
  type ValidParts,
  validate,
} from "./validate.ts";

export interface LoadOptions {
  /** TOML, or mosquitto.conf if the name ends in `.conf`. None: the defaults. */
  readonly file?: string | undefined;
  readonly overrides?: Overrides | undefined;
  /**
   * Look whether the files that are named can be read. "again": those that could be read at the start
   * may have become out of reach, as root's rights have been given up since.
   */
  readonly files?: "first" | "again" | undefined;
}

/** What the command line says, which comes before the file. */
export interface Overrides {
  /** Where MQTT clients are served, unless the file has listeners of its own. */
  readonly ports?: readonly number[] | undefined;
  /** Log everything. */
  readonly verbose?: boolean | undefined;
  /** Log nothing, which comes before all. */
  readonly quiet?: boolean | undefined;
}

export interface Loaded {
  readonly config: Config;
  /** The same as the file has it, for `changesBetween`. */
  readonly given: GivenConfig;
  readonly warnings: readonly Problem[];
  /** What is allowed, but not wise. */
  readonly advice: readonly Problem[];
  readonly file: string | undefined;
}

/** A file, read but not yet checked. */
interface Reading {
  readonly raw: RawTable;
  readonly locate: Locate;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** The file leaves it to others where to listen. */
  readonly portOpen: boolean;
  readonly mosquitto: boolean;
}

/** Throws ConfigError, which tells all that is wrong at once. */
export function loadConfig({ file, overrides, files }: LoadOptions): Loaded {
  const reading = override(read(file), overrides ?? {});
  const { raw, locate } = reading;
  const { findings, parts } = validate(raw);
  const modulePath = (module: string): string => resolve(dirname(file ?? ""), module);
  const settled = settleParts(reading.mosquitto ? withOptionalParts(parts) : parts);
  const crossed = crossCheck(settled, sourceOf(reading));
  const looked =
    files === undefined ? NOTHING_FOUND : checkFiles(withModules(parts, modulePath), files);
  const toProblem = ({ at, message }: Finding): Problem => ({ ...locate(at), message });
  const found = [...findings, ...crossed.errors, ...looked.errors];
  const listed = predefinedIn(parts, sourceOf(reading));
  const problems = [
    ...reading.problems,
    ...found.slice(0, MOST_LOCATED).map(toProblem),
    ...listed.problems,
  ];
  const count = reading.problems.length + found.length + listed.problems.length;
  if (count > 0) throw new ConfigError(cut(inOrder(problems), count));
  const warnings = inOrder([...reading.warnings, ...crossed.warnings.map(toProblem)]);
  const advice = inOrder([...advise(settled), ...looked.warnings].map(toProblem));
  const given = assemble(raw);
  const named = withNamesApart(settle(given), raw);
  const plugin = named.plugin.map((one) => ({ ...one, module: modulePath(one.module) }));
  const predefined_topic = [...named.predefined_topic, ...listed.topics];
  const config = {
    ...(reading.mosquitto ? withOptional(named) : named),
    plugin,
    predefined_topic,
  };
  return { config, given, warnings, advice, file };
}

/** Modules lie where the file sees them, whatever folder Midge is started in. */
function withModules(parts: ValidParts, modulePath: (module: string) => string): ValidParts {
  const plugin = parts.plugin.map((one) => ({
    ...one,
    value: { ...one.value, module: modulePath(one.value.module) },
  }));
  return { ...parts, plugin };
}

/** The topic ids that a file of their own defines. */
function predefinedIn({ gateway, predefined_topic }: ValidParts, { nameOf }: Source) {
  const file = gateway?.predefined_topic_file ?? "";
  if (file === "") return { topics: [], problems: [] };
  const before = predefined_topic.map(({ index, value }) => ({
    topic: value,
    place: nameOf(["predefined_topic", index]),
    line: 0,
  }));
  return readPredefinedTopicFile(file, before);
}

const NOTHING_FOUND: CrossFindings = { errors: [], warnings: [] };

function read(file: string | undefined): Reading {
  const none = { problems: [], warnings: [], mosquitto: false };
  if (file === undefined) {
    const locate: Locate = (path) => ({ file: "defaults", line: 0, key: formatPath(path) });
    return { ...none, raw: {}, locate, portOpen: true };
  }
  const text = readText(file);
  if (file.endsWith(".conf")) {
    const conf = readMosquittoConf(text, file);
    return { ...conf, portOpen: conf.localOnly, mosquitto: true };
  }
  const { raw: written, locate } = readToml(text, file);
  const raw = withBridgeDefaults(written);
  return { ...none, raw, locate, portOpen: !Object.hasOwn(raw, "listener") };
}

const COMMAND_LINE = "command line";

function override(reading: Reading, { ports = [], verbose, quiet }: Overrides): Reading {
  const raw: Record<string, unknown> = { ...reading.raw };
  const places = new Map<string, string>();
  const warnings = [...reading.warnings];
  const types = quiet === true ? ["none"] : verbose === true ? ["all"] : undefined;
  // What is no table at all stays as it is, to be told of.
  if (types !== undefined && isTable(raw.log ?? {})) {
    raw.log = { ...tableOr(raw.log), log_type: types };
  }
  if (ports.length > 0 && reading.portOpen) {
    const [listener] = Array.isArray(raw.listener) ? raw.listener : [];
    raw.listener = ports.map((port) => ({ ...tableOr(listener), port }));
    for (const index of ports.keys()) places.set(`listener[${index}].port`, "-p");
  } else if (ports.length > 0) {
    const message = "has no effect, as the file has listeners of its own";
    warnings.push({ file: COMMAND_LINE, line: 0, key: "-p", message });
  }
  const locate: Locate = (path) => {
    const key = places.get(formatPath(path));
    return key === undefined ? reading.locate(path) : { file: COMMAND_LINE, line: 0, key };
  };
  return { ...reading, raw, locate, warnings };
}

function tableOr(value: unknown): object {
  return isTable(value) ? value : {};
}

function sourceOf({ raw, locate, mosquitto }: Reading): Source {
  return {
    isGiven: (at) => valueAt(raw, at) !== undefined,
    nameOf: (at) => {
      const { line } = locate(at);
      if (mosquitto && line > 0) return `the ${at[0]} of line ${line}`;
      return at.length === 1 ? `[${at[0]}]` : formatPath(at);
    },
  };
}

function valueAt(raw: unknown, at: KeyPath): unknown {
  let value = raw;
  for (const step of at) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/**
 * What a mosquitto.conf cannot speak of keeps its defaults, and must not keep Midge from starting
 * where Mosquitto would.
 */
function withOptional(config: Config): Config {
  return {
    ...config,
    http: { ...config.http, optional: true },
    link: config.link.map((link) => ({ ...link, optional: true })),
  };
}

function withOptionalParts(parts: ValidParts): ValidParts {
  return { ...parts, http: parts.http && { ...parts.http, optional: true } };
}

/** File by file as they were read, and by line in each. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))];
  const rank = (problem: Problem) => files.indexOf(problem.file);
  return problems.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line);
}

/** More than anyone reads. */
const MOST_PROBLEMS = 100;
/** Those that are put in the order of the lines; to find the lines of any number takes long. */
const MOST_LOCATED = 1000;

/** `count`: how many there are in all. */
function cut(problems: readonly Problem[], count: number): readonly Problem[] {
  if (count <= MOST_PROBLEMS) return problems;
  const file = problems[0]?.file ?? "";
  const message = `and ${count - MOST_PROBLEMS} more mistakes`;
  return [...problems.slice(0, MOST_PROBLEMS), { file, line: 0, key: "", message }];
}
