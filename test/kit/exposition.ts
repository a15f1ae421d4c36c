/**
 * A strict reader of Prometheus' text format 0.0.4: throws at whatever Prometheus would refuse, and at
 * families without HELP or TYPE.
 */

export interface ExposedSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ExposedFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ExposedSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const TYPES = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);
/** What Go's ParseFloat takes, save underscores and hexadecimal digits. */
const NUMBER = /^[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf|nan)$/i;
/** Samples of histograms and summaries have names of their own. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

interface Reading {
  help: string | undefined;
  type: string | undefined;
  readonly samples: ExposedSample[];
  readonly seen: Set<string>;
}

/** Families by name. */
export function parseExposition(text: string): ReadonlyMap<string, ExposedFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Reading>();
  let current = "";
  for (const [index, line] of text.slice(0, -1).split("\n").entries()) {
    try {
      current = readLine(line, current, families);
    } catch (error) {
      throw new Error(`line ${index + 1}: ${(error as Error).message}: ${line}`);
    }
  }
  const whole = new Map<string, ExposedFamily>();
  for (const [name, { help, type, samples }] of families) {
    if (help === undefined || help === "" || type === undefined) {
      throw new Error(`${name} has no HELP or no TYPE`);
    }
    whole.set(name, { help, type, samples });
  }
  return whole;
}

/** Answers the family that the line belongs to. */
function readLine(line: string, current: string, families: Map<string, Reading>): string {
  if (line === "") return current;
  if (line.startsWith("#")) return readComment(line, current, families);
  const sample = readSample(line);
  const family = families.get(current);
  const suffixes = SUFFIXES[family?.type ?? ""] ?? [""];
  if (family === undefined || !suffixes.some((suffix) => current + suffix === sample.name)) {
    throw new Error("a sample outside its family");
  }
  const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
  if (family.seen.has(key)) throw new Error("the same sample twice");
  family.seen.add(key);
  family.samples.push(sample);
  if (family.type === "counter" && !(sample.value >= 0)) throw new Error("a negative counter");
  return current;
}

function readComment(line: string, current: string, families: Map<string, Reading>): string {
  const match = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
  if (match === null) return current;
  const [, kind, name = "", rest = ""] = match;
  if (!NAME.test(name)) throw new Error("a wrong name");
  const known = families.get(name);
  if (known !== undefined && name !== current) throw new Error("a family in two places");
  const family = known ?? { help: undefined, type: undefined, samples: [], seen: new Set() };
  if (family.samples.length > 0) throw new Error("HELP or TYPE after samples");
  families.set(name, family);
  if (kind === "HELP") {
    if (family.help !== undefined) throw new Error("a second HELP");
    unescaped(rest, /[\\n]/);
    family.help = rest;
  } else {
    if (family.type !== undefined) throw new Error("a second TYPE");
    if (!TYPES.has(rest)) throw new Error("an unknown type");
    family.type = rest;
  }
  return name;
}

function readSample(line: string): ExposedSample & { readonly name: string } {
  const head = /^([^{ ]+)(\{)?/.exec(line);
  const name = head?.[1] ?? "";
  if (!NAME.test(name)) throw new Error("a wrong name");
  let at = head?.[0].length ?? 0;
  const labels: Record<string, string> = {};
  if (head?.[2] === "{") at = readLabels(line, at, labels);
  const words = line.slice(at).split(" ").filter(Boolean);
  const [number = ""] = words;
  // Timestamps are for those who pass on what others have measured.
  if (words.length !== 1 || !NUMBER.test(number)) throw new Error("a wrong value");
  const isInfinite = /inf/i.test(number);
  const sign = number.startsWith("-") ? -1 : 1;
  return { name, labels, value: isInfinite ? sign * Infinity : Number(number) };
}

/** Reads from after the brace to after the one that closes it. */
function readLabels(line: string, from: number, labels: Record<string, string>): number {
  let at = from;
  while (line[at] !== "}") {
    const match = /^([^=]+)="((?:[^"\\]|\\.)*)"(,?)/.exec(line.slice(at));
    if (match === null) throw new Error("wrong labels");
    const [all, name = "", value = "", comma] = match;
    if (!LABEL.test(name) || name.startsWith("__")) throw new Error(`a wrong label name ${name}`);
    if (Object.hasOwn(labels, name)) throw new Error(`the label ${name} twice`);
    labels[name] = unescaped(value, /[\\"n]/);
    at += all.length;
    if (comma === "" && line[at] !== "}") throw new Error("labels without a comma between them");
  }
  return at + 1;
}

function unescaped(text: string, allowed: RegExp): string {
  return text.replace(/\\(.?)/g, (_all, character: string) => {
    if (!allowed.test(character)) throw new Error(`a wrong escape \\${character}`);
    return character === "n" ? "\n" : character;
  });
}
