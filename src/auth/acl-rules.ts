/**
 * The ACL file of Mosquitto: what each user, those without a name, and everybody by `%c` and `%u` may
 * read and write. Denials come first; then what a user is given, then what patterns give.
 */
import { isMqttText, utf8Length } from "../bytes/utf8.ts";
import { isTopicFilter } from "../topics/names.ts";
import { type FileProblem, shownLine } from "./file-problem.ts";
import {
  dependsOnClientId,
  fillIn,
  hasPlaceholder,
  type Identity,
  isDangerous,
} from "./pattern.ts";
import { firstWord, linesOf, trimBlanks } from "./text-lines.ts";
import { EVERY_TOPIC, type TopicRule } from "./topic-rules.ts";

type AclAccess = "read" | "write" | "readwrite" | "deny";

interface AclEntry {
  readonly access: AclAccess;
  readonly filter: string;
}

const ACCESS_WORDS: ReadonlySet<string> = new Set(["read", "write", "readwrite", "deny"]);
const LONGEST_FILTER = 65_535;
/** Mosquitto allows this many levels in rules. */
const MOST_LEVELS = 201;

export interface AclFile {
  readonly rules: AclRules;
  readonly problems: readonly FileProblem[];
  /** Lines that hold, but hardly say what was meant. */
  readonly warnings: readonly FileProblem[];
}

export class AclRules {
  readonly #anonymous: AclEntry[] = [];
  readonly #users = new Map<string, AclEntry[]>();
  readonly #patterns: AclEntry[] = [];

  /** Of a user, or of those without a name. */
  addTopic(username: string | undefined, entry: AclEntry): void {
    if (username === undefined) {
      this.#anonymous.push(entry);
      return;
    }
    const entries = this.#users.get(username);
    if (entries === undefined) this.#users.set(username, [entry]);
    else entries.push(entry);
  }

  addPattern(entry: AclEntry): void {
    this.#patterns.push(entry);
  }

  get namesUsers(): boolean {
    return this.#users.size > 0;
  }

  /** Whether a client's rules depend on its id: those of two clients of one user may differ. */
  get perClient(): boolean {
    return this.#patterns.some(({ filter }) => dependsOnClientId(filter));
  }

  /** The rules over what a client may publish ("write") or receive ("read"), complete with the last, which denies. */
  rulesOf(identity: Identity, wanted: "read" | "write"): TopicRule[] {
    const { clientId, username } = identity;
    const own = username === undefined ? this.#anonymous : (this.#users.get(username) ?? []);
    const rules = inOrder(own, wanted);
    // Else a client could choose a name by which its patterns match the places of others.
    if (!isDangerous(username) && !isDangerous(clientId)) {
      for (const { filter, allow } of inOrder(this.#patterns, wanted)) {
        const filled = fillIn(filter, identity, allow);
        if (filled !== undefined) rules.push({ filter: filled, allow });
      }
    }
    rules.push({ filter: EVERY_TOPIC, allow: false });
    return rules;
  }
}

function inOrder(entries: readonly AclEntry[], wanted: "read" | "write"): TopicRule[] {
  const denials = entries.filter(({ access }) => access === "deny");
  const grants = entries.filter(({ access }) => access === wanted || access === "readwrite");
  return [
    ...denials.map(({ filter }) => ({ filter, allow: false })),
    ...grants.map(({ filter }) => ({ filter, allow: true })),
  ];
}

/** Reads the text of the ACL file called `file`. With any problem it is not to be used. */
export function parseAclFile(file: string, text: string): AclFile {
  const rules = new AclRules();
  const problems: FileProblem[] = [];
  const warnings: FileProblem[] = [];
  let username: string | undefined;
  for (const { line, text: written } of linesOf(text)) {
    if (written.startsWith("#")) continue;
    const parsed = readLine(written);
    if (parsed === undefined) continue;
    const place = { file, line };
    switch (parsed.kind) {
      case "user":
        username = parsed.username;
        break;
      case "topic":
        rules.addTopic(username, parsed.entry);
        break;
      case "pattern":
        rules.addPattern(parsed.entry);
        break;
      case "problem":
        problems.push({ ...place, text: parsed.text });
        continue;
    }
    const doubt = doubtAbout(parsed);
    if (doubt !== undefined) warnings.push({ ...place, text: doubt });
  }
  return { rules, problems, warnings };
}

type AclLine =
  | { readonly kind: "user"; readonly username: string }
  | { readonly kind: "topic" | "pattern"; readonly entry: AclEntry; readonly bare: boolean }
  | { readonly kind: "problem"; readonly text: string };

function readLine(text: string): AclLine | undefined {
  const { word, rest } = firstWord(text);
  if (trimBlanks(word) === "") return undefined;
  // A line's last blanks belong to nothing, tabs included.
  const first = rest === undefined ? trimBlanks(word) : word;
  if (first === "user") {
    return rest === undefined
      ? problem("the user name is missing")
      : { kind: "user", username: rest };
  }
  if (first === "topic" || first === "pattern") return readTopic(first, rest);
  const advice = first.startsWith("#") ? "; a comment must begin the line" : "";
  return problem(`"${shownLine(text)}" begins neither with user, topic nor pattern${advice}`);
}

function readTopic(kind: "topic" | "pattern", text: string | undefined): AclLine {
  if (text === undefined) return problem(`the topic after "${kind}" is missing`);
  const { word: first, rest: more } = firstWord(text);
  const bare = more === undefined;
  if (!bare && !ACCESS_WORDS.has(first)) {
    return problem(
      `"${shownLine(first)}" is no kind of access; there are read, write, readwrite and deny, ` +
        "and a topic with spaces needs one of them before it",
    );
  }
  const filter = bare ? first : more;
  if (!isTopicFilter(filter, MOST_LEVELS) || utf8Length(filter) > LONGEST_FILTER) {
    return problem(`"${shownLine(filter)}" is no topic filter: + and # stand for whole levels`);
  }
  const access = bare ? "readwrite" : (first as AclAccess);
  return { kind, entry: { access, filter }, bare };
}

function doubtAbout(line: AclLine): string | undefined {
  if (line.kind !== "topic" && line.kind !== "pattern") return undefined;
  const { filter } = line.entry;
  if (line.bare && ACCESS_WORDS.has(filter)) {
    return `this allows to read and write a topic called "${filter}"`;
  }
  if (!isMqttText(filter)) {
    return `no topic can match "${shownLine(filter)}", which holds a tab or the like: words are set apart by spaces`;
  }
  if (line.kind === "topic") return undefined;
  if (!hasPlaceholder(filter)) {
    return /%[cu]/.test(filter)
      ? `%c and %u are replaced only where they are whole levels, not in "${shownLine(filter)}"`
      : `the pattern "${shownLine(filter)}" has neither %c nor %u: it holds for everybody`;
  }
  return undefined;
}

function problem(text: string): AclLine {
  return { kind: "problem", text };
}
