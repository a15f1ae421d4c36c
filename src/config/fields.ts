/**
 * The kinds of values in the configuration: each makes a schema that checks, says in one sentence
 * what it expected, and carries what a person needs to know about the option.
 */
import * as v from "valibot";
import { type Endpoint, isListenAddress, parseEndpoint } from "./addresses.ts";
import { LONGEST_DURATION, parseDuration } from "./duration.ts";
import { quote, showValue } from "./show-value.ts";

/** What an option says of itself. */
export interface About {
  /** One or more whole sentences. */
  readonly description: string;
  /** In the plural: "seconds", "bytes". */
  readonly unit?: string | undefined;
  /** The default in words, where it is no fixed value. */
  readonly defaultText?: string | undefined;
  /** What the example file shows where there is no fixed default. */
  readonly example?: unknown;
  /** Never shown, neither in messages nor on pages. */
  readonly secret?: boolean | undefined;
  /** A change takes effect only when Midge is started again. */
  readonly restart?: boolean | undefined;
  /** Not for users: set by Midge itself, unknown in files. */
  readonly hidden?: boolean | undefined;
}

export interface FieldInfo extends About {
  readonly kind:
    | "integer"
    | "decimal"
    | "flag"
    | "text"
    | "choice"
    | "choices"
    | "list"
    | "duration"
    | "endpoints"
    | "settings";
  /** What is allowed, in words: "a whole number from 1 to 10". */
  readonly expected: string;
  readonly choices?: readonly (string | number)[] | undefined;
}

/** What is known of a field; undefined for a table. */
export function fieldInfo(schema: v.GenericSchema): FieldInfo | undefined {
  const metadata = v.getMetadata(schema as never) as unknown as FieldInfo;
  return metadata.kind === undefined ? undefined : metadata;
}

type Message = (issue: { readonly input: unknown }) => string;

/** "expected X, got Y". What was got stays unsaid for secrets. */
export function complain(expected: string, secret = false): Message {
  return (issue) =>
    secret ? `expected ${expected}` : `expected ${expected}, got ${showValue(issue.input)}`;
}

export interface IntegerLimits {
  readonly min: number;
  readonly max: number;
  /** "a port number" instead of "a whole number". */
  readonly what?: string | undefined;
  /** Further allowed values and their meaning: `[-1, "no limit"]`. */
  readonly also?: readonly [number, string] | undefined;
}

export function integer(limits: IntegerLimits, about: About) {
  const { min, max, also } = limits;
  let expected = `${limits.what ?? "a whole number"} from ${min} to ${max}`;
  if (about.unit !== undefined) expected += ` (${about.unit})`;
  if (also !== undefined) expected += `, or ${also[0]} for ${also[1]}`;
  const message = complain(expected);
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.check((value) => (value >= min && value <= max) || value === also?.[0], message),
    v.metadata({ ...about, kind: "integer", expected }),
  );
}

/** A number with decimals. */
export function decimal({ min, max }: Pick<IntegerLimits, "min" | "max">, about: About) {
  let expected = `a number from ${min} to ${max}`;
  if (about.unit !== undefined) expected += ` (${about.unit})`;
  const message = complain(expected);
  return v.pipe(
    v.number(message),
    v.check((value) => value >= min && value <= max, message),
    v.metadata({ ...about, kind: "decimal", expected }),
  );
}

/** One that may be left out, and then is as another option says. */
export function optionalInteger(limits: IntegerLimits, about: About) {
  return v.optional(integer(limits, about));
}

export function port(about: About) {
  return integer({ min: 1, max: 65_535, what: "a port number" }, about);
}

export function flag(about: About) {
  const expected = "true or false";
  return v.pipe(v.boolean(complain(expected)), v.metadata({ ...about, kind: "flag", expected }));
}

export interface TextRule {
  /** What is allowed, in words. */
  readonly expected: string;
  readonly allows: (text: string) => boolean;
}

/** The longest string that MQTT carries, bytes [MQTT-1.5.3]. */
const LONGEST_TEXT = 65_535;

/** Control characters have no place in any name, path or topic. */
export function isPlainText(text: string): boolean {
  return !/\p{Cc}/u.test(text) && new TextEncoder().encode(text).length <= LONGEST_TEXT;
}

const NOT_PLAIN = `must not have control characters or more than ${LONGEST_TEXT} bytes`;

export function text(about: About, rule?: TextRule | undefined) {
  const expected = rule?.expected ?? "text in quotes";
  const message = complain(expected, about.secret);
  return v.pipe(
    v.string(message),
    v.check(isPlainText, NOT_PLAIN),
    v.check((value) => rule === undefined || rule.allows(value), message),
    v.metadata({ ...about, kind: "text", expected }),
  );
}

/** The path of a file or folder; "" where there is none. */
export function path(about: About, rule?: TextRule | undefined) {
  return text(about, rule ?? { expected: 'a path, or ""', allows: () => true });
}

export function listenAddress(about: About) {
  return text(about, {
    expected: 'an IP address, a host name, or "" for all addresses',
    allows: isListenAddress,
  });
}

export function choice<const Choices extends readonly (string | number)[]>(
  choices: Choices,
  about: About,
) {
  const words = choices.map((word) => (typeof word === "string" ? quote(word) : String(word)));
  const last = words.at(-1) ?? "";
  const expected = words.length > 1 ? `${words.slice(0, -1).join(", ")} or ${last}` : last;
  return v.pipe(
    v.picklist(choices, complain(expected)),
    v.metadata({ ...about, kind: "choice", expected, choices }),
  );
}

/** A list of some of these. */
export function choices<const Choices extends readonly (string | number)[]>(
  all: Choices,
  about: About,
) {
  const words = all.map((word) => (typeof word === "string" ? quote(word) : String(word)));
  const each = `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;
  const expected = `a list, each ${each}`;
  return v.pipe(
    v.array(v.picklist(all, complain(each)), complain(expected)),
    v.minLength(1, complain(expected)),
    v.metadata({ ...about, kind: "choices", expected, choices: all }),
  );
}

/** A list of texts. */
export function list(about: About, rule: TextRule) {
  const expected = `a list, each ${rule.expected}`;
  const message = complain(rule.expected);
  return v.pipe(
    v.array(v.pipe(v.string(message), v.check(rule.allows, message)), complain(expected)),
    v.metadata({ ...about, kind: "list", expected }),
  );
}

/** `"2d"`, or a number of seconds; in seconds. `""` is 0. */
export function duration(about: About) {
  const expected = 'a number of seconds, or text such as "90s", "12h", "2d", "1w", "6m" or "1y"';
  const message = complain(expected);
  return v.pipe(
    v.union([v.number(), v.string()], message),
    v.check((value) => parseDuration(value) !== undefined, message),
    v.transform((value) => parseDuration(value) ?? LONGEST_DURATION),
    v.metadata({ ...about, kind: "duration", expected }),
  );
}

export type Setting = string | number | boolean;

/** A table of keys and values that are nobody's business here. */
export function settings(about: About) {
  const expected = "a table of texts, numbers, true and false";
  const message = complain(expected);
  return v.pipe(
    v.record(v.string(), v.union([v.string(), v.number(), v.boolean()], message), message),
    v.transform((table): Readonly<Record<string, Setting>> => table),
    v.metadata({ ...about, kind: "settings", expected }),
  );
}

const ENDPOINT = '"host", "host:port" or "[IPv6 address]:port"';

/** One `"host:port"` or a list of them, as a list of endpoints. */
export function endpoints(defaultPort: number, about: About) {
  const expected = `${ENDPOINT}, or a list of these`;
  const message = complain(ENDPOINT);
  const one = v.pipe(
    v.string(message),
    v.check((value) => parseEndpoint(value, defaultPort) !== undefined, message),
  );
  const several = v.pipe(v.array(one), v.minLength(1, complain("at least one address")));
  return v.pipe(
    v.lazy((input) => (Array.isArray(input) ? several : one)),
    v.transform((value): readonly Endpoint[] => {
      const texts = typeof value === "string" ? [value] : value;
      return texts.flatMap((text) => parseEndpoint(text, defaultPort) ?? []);
    }),
    v.metadata({ ...about, kind: "endpoints", expected }),
  );
}
