/** The lines of a password file, changed one at a time: comments and order stay. */

import { parsePasswordRecord } from "../auth/password-records.ts";
import { utf8Length } from "../bytes/utf8.ts";
import { CommandFailure } from "./exit-codes.ts";

const LONGEST = 65_535;

export class PasswordLines {
  readonly #file: string;
  readonly #lines: string[];

  constructor(file: string, text: string) {
    this.#file = file;
    this.#lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  }

  /** Gives a user this record; answers whether he was there before. Of several lines of his one is left. */
  set(username: string, record: string): boolean {
    const first = this.#lines.findIndex((line) => userOf(line) === username);
    if (first < 0) {
      this.#lines.push(`${username}:${record}`);
      return false;
    }
    this.#lines[first] = `${username}:${record}`;
    const others = this.#lines.filter((line, at) => at <= first || userOf(line) !== username);
    this.#lines.splice(0, this.#lines.length, ...others);
    return true;
  }

  /** Answers whether there was such a user. */
  delete(username: string): boolean {
    const left = this.#lines.filter((line) => userOf(line) !== username);
    const found = left.length < this.#lines.length;
    this.#lines.splice(0, this.#lines.length, ...left);
    return found;
  }

  /** The users whose passwords stand there as they are, not hashed, with the passwords. */
  plain(): { readonly username: string; readonly password: string }[] {
    const found = [];
    for (const [at, line] of this.#lines.entries()) {
      const username = userOf(line);
      if (username === undefined) {
        if (line.trim() === "" || line.startsWith("#")) continue;
        throw new CommandFailure(`${this.#file}:${at + 1}: there is no ":" after a user name.`);
      }
      const password = line.slice(line.indexOf(":") + 1).trim();
      if (username === "" || password === "") {
        throw new CommandFailure(`${this.#file}:${at + 1}: user name or password is missing.`);
      }
      if (!parsePasswordRecord(password).ok) found.push({ username, password });
    }
    return found;
  }

  toString(): string {
    return this.#lines.map((line) => `${line}\n`).join("");
  }
}

function userOf(line: string): string | undefined {
  const colon = line.indexOf(":");
  return line.startsWith("#") || colon < 0 ? undefined : line.slice(0, colon).trim();
}

/** Throws CommandFailure for a name that a password file cannot hold. */
export function checkUsername(username: string): void {
  if (username === "") throw new CommandFailure("The user name is empty.");
  if (/\p{Cc}/u.test(username) || username.includes(":")) {
    throw new CommandFailure("A user name must hold no control characters and no ':'.");
  }
  if (username.trim() !== username || username.startsWith("#")) {
    throw new CommandFailure("A user name must not begin with '#', nor begin or end with spaces.");
  }
  if (utf8Length(username) > LONGEST) throw new CommandFailure("The user name is too long.");
}
