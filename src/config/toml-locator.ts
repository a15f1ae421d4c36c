/**
 * Finds the lines of keys and values in a TOML document, which the parser does not tell. The
 * document is one that the parser took; of any other the answer is meaningless, but there is one.
 */
import { formatPath, type KeyPath } from "./key-path.ts";

/** Lines from 1 by path; paths as `formatPath` writes them. */
export type KeyLines = ReadonlyMap<string, number>;

/** The line of a path, or of the nearest table around it that is written down; 0 if there is none. */
export function lineOf(lines: KeyLines, path: KeyPath): number {
  for (let length = path.length; length > 0; length--) {
    const line = lines.get(formatPath(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return 0;
}

export function locateKeys(toml: string): KeyLines {
  return new TomlScanner(toml).scan();
}

/** Values nest no deeper in a document that the parser takes. */
const DEEPEST = 1000;
/** No key of the configuration has a longer path; what lies deeper goes by what is around it. */
const LONGEST_PATH = 8;

class TomlScanner {
  readonly #text: string;
  #at = 0;
  #line = 1;
  /** Where line `#line` ends. */
  #lineEnd: number;
  readonly #lines = new Map<string, number>();
  /** How many `[[...]]` headers there were, by path. */
  readonly #counts = new Map<string, number>();

  constructor(text: string) {
    this.#text = text;
    this.#lineEnd = endOfLine(text, 0);
  }

  scan(): KeyLines {
    let table: KeyPath = [];
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.#text.length) return this.#lines;
      const start = this.#at;
      if (this.#text[start] === "[") table = this.#header();
      else this.#pair(table, 0);
      // Whatever this is, it is not TOML: go on behind it.
      if (this.#at === start) this.#at++;
    }
  }

  /** `[a.b]` or `[[a.b]]`; returns the path of the table that begins. */
  #header(): KeyPath {
    const line = this.#lineHere();
    const repeated = this.#text[this.#at + 1] === "[";
    this.#at += repeated ? 2 : 1;
    const keys = this.#key();
    const path = this.#resolve(keys, repeated);
    this.#note(path, line);
    while (this.#text[this.#at] === "]") this.#at++;
    return path;
  }

  /** The path that a header means: a step through a list goes to the list's last table. */
  #resolve(keys: readonly string[], repeated: boolean): KeyPath {
    const path: (string | number)[] = [];
    for (const [index, key] of keys.entries()) {
      path.push(key);
      const name = formatPath(path);
      const count = this.#counts.get(name);
      if (repeated && index === keys.length - 1) {
        this.#counts.set(name, (count ?? 0) + 1);
        path.push(count ?? 0);
      } else if (count !== undefined) {
        path.push(count - 1);
      }
    }
    return path;
  }

  /** `a.b = value`. */
  #pair(table: KeyPath, depth: number): void {
    const line = this.#lineHere();
    const path = [...table, ...this.#key()].slice(0, LONGEST_PATH);
    this.#note(path, line);
    if (this.#text[this.#at] !== "=") return;
    this.#at++;
    this.#value(path, depth);
  }

  /** Notes a path's first line, and that of the tables that it brings into being. */
  #note(path: KeyPath, line: number): void {
    for (let length = Math.min(path.length, LONGEST_PATH); length > 0; length--) {
      const name = formatPath(path.slice(0, length));
      if (this.#lines.has(name)) return;
      this.#lines.set(name, line);
    }
  }

  #value(path: KeyPath, depth: number): void {
    this.#skipBlank();
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") this.#string(first);
    else if (first === "[" && depth < DEEPEST) this.#list(path, depth + 1);
    else if (first === "{" && depth < DEEPEST) this.#inlineTable(path, depth + 1);
    else this.#skipTo(/[,\]}#\n]/g);
  }

  #list(path: KeyPath, depth: number): void {
    this.#at++;
    for (let index = 0; !this.#closes("]"); index++) {
      const element = path.length < LONGEST_PATH ? [...path, index] : path;
      this.#note(element, this.#lineHere());
      const start = this.#at;
      this.#value(element, depth);
      this.#skipComma(start);
    }
  }

  #inlineTable(path: KeyPath, depth: number): void {
    this.#at++;
    while (!this.#closes("}")) {
      const start = this.#at;
      this.#pair(path, depth);
      this.#skipComma(start);
    }
  }

  /** Steps over the bracket if it is next. At the end of the text everything closes. */
  #closes(bracket: string): boolean {
    this.#skipBlank();
    if (this.#at >= this.#text.length) return true;
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  /** Steps over the comma behind an element that began at `start`. */
  #skipComma(start: number): void {
    this.#skipBlank();
    // Where there is no element at all, this is not TOML: go on behind it.
    if (this.#text[this.#at] === "," || this.#at === start) this.#at++;
  }

  /** A key with its dots, and the space around it; only as much of it as is looked for. */
  #key(): string[] {
    const keys: string[] = [];
    for (;;) {
      this.#skipSpace();
      const key = this.#simpleKey();
      if (keys.length < LONGEST_PATH) keys.push(key);
      this.#skipSpace();
      if (this.#text[this.#at] !== ".") return keys;
      this.#at++;
    }
  }

  #simpleKey(): string {
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") return this.#string(first);
    const start = this.#at;
    this.#skipTo(/[^A-Za-z0-9_-]/g);
    return this.#text.slice(start, this.#at);
  }

  /** Any of the four kinds of strings; returns what a one-line string says. */
  #string(quote: '"' | "'"): string {
    const triple = quote.repeat(3);
    const multiline = this.#text.startsWith(triple, this.#at);
    const end = multiline ? triple : quote;
    this.#at += end.length;
    const start = this.#at;
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) {
      if (!multiline && this.#text[this.#at] === "\n") break;
      this.#at += quote === '"' && this.#text[this.#at] === "\\" ? 2 : 1;
    }
    const content = this.#text.slice(start, this.#at);
    this.#at += end.length;
    // Up to two quotes may stand right in front of the closing three.
    if (multiline)
      for (let more = 0; more < 2 && this.#text[this.#at] === quote; more++) this.#at++;
    return quote === '"' ? decodeEscapes(content) : content;
  }

  #skipSpace(): void {
    this.#skipTo(/[^ \t]/g);
  }

  /** Space, line ends and comments. */
  #skipBlank(): void {
    for (;;) {
      this.#skipTo(/[^ \t\r\n]/g);
      if (this.#text[this.#at] !== "#") return;
      this.#skipTo(/\n/g);
    }
  }

  /** To the next character of a kind, or the end. */
  #skipTo(wanted: RegExp): void {
    wanted.lastIndex = this.#at;
    this.#at = wanted.exec(this.#text)?.index ?? this.#text.length;
  }

  #lineHere(): number {
    while (this.#lineEnd < this.#at) {
      this.#line++;
      this.#lineEnd = endOfLine(this.#text, this.#lineEnd + 1);
    }
    return this.#line;
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  e: "\u001b",
  '"': '"',
  "\\": "\\",
};

function decodeEscapes(text: string): string {
  return text.replace(
    /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))/g,
    (whole, short?: string, long?: string, byte?: string, letter?: string) => {
      const digits = short ?? long ?? byte;
      if (digits === undefined) return ESCAPES[letter ?? ""] ?? whole;
      const code = Number.parseInt(digits, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
