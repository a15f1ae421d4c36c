/**
 * The password and ACL files in force. A file that cannot be read, or that has a mistake in it,
 * replaces nothing: what was in force stays.
 */

import type { Credentials } from "../seams/access.ts";
import type { Log } from "../seams/log.ts";
import type { TextFiles } from "../seams/text-files.ts";
import type { Authentication, Authenticator, Authorizer, LinkRights } from "./access-chain.ts";
import { type AclRules, parseAclFile } from "./acl-rules.ts";
import { type FileProblem, formatFileProblem } from "./file-problem.ts";
import { type PasswordEntry, parsePasswordFile } from "./password-file.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { decoyOf, type PasswordRecord } from "./password-records.ts";
import type { Identity } from "./pattern.ts";

export interface AccessFilesParts {
  readonly files: TextFiles;
  readonly hasher: PasswordHasher;
  readonly log: Log;
}

export interface FilePaths {
  readonly passwordFiles: Iterable<string>;
  readonly aclFiles: Iterable<string>;
}

export class AccessFiles {
  readonly #parts: AccessFilesParts;
  readonly #passwords = new Map<string, PasswordFileLink>();
  readonly #rules = new Map<string, AclFileLink>();

  constructor(parts: AccessFilesParts) {
    this.#parts = parts;
  }

  /** Reads all these files; puts them into force only if all are good, else answers what is wrong. */
  load({ passwordFiles, aclFiles }: FilePaths): readonly string[] {
    const problems: string[] = [];
    const passwords = new Map<string, ReadonlyMap<string, PasswordEntry>>();
    const rules = new Map<string, AclRules>();
    for (const path of passwordFiles) {
      const text = this.#read(path, true, problems);
      if (text === undefined) continue;
      const parsed = parsePasswordFile(path, text);
      tell(parsed.problems, problems);
      passwords.set(path, parsed.users);
    }
    for (const path of aclFiles) {
      const text = this.#read(path, false, problems);
      if (text === undefined) continue;
      const parsed = parseAclFile(path, text);
      tell(parsed.problems, problems);
      for (const warning of parsed.warnings) this.#parts.log.warn(formatFileProblem(warning));
      rules.set(path, parsed.rules);
    }
    if (problems.length === 0) this.#putIntoForce(passwords, rules);
    return problems;
  }

  passwordFile(path: string): PasswordFileLink | undefined {
    return this.#passwords.get(path);
  }

  aclFile(path: string): AclFileLink | undefined {
    return this.#rules.get(path);
  }

  #read(path: string, secret: boolean, problems: string[]): string | undefined {
    const read = this.#parts.files.read(path, secret);
    if (!read.ok) {
      problems.push(`${path}: ${read.problem}`);
      return undefined;
    }
    if (read.warning !== undefined) this.#parts.log.warn(`${path}: ${read.warning}`);
    return read.text;
  }

  #putIntoForce(
    passwords: ReadonlyMap<string, ReadonlyMap<string, PasswordEntry>>,
    rules: ReadonlyMap<string, AclRules>,
  ): void {
    for (const path of this.#passwords.keys()) {
      if (!passwords.has(path)) this.#passwords.delete(path);
    }
    for (const [path, users] of passwords) {
      const link = this.#passwords.get(path) ?? new PasswordFileLink(this.#parts.hasher);
      link.users = users;
      this.#passwords.set(path, link);
    }
    this.#rules.clear();
    for (const [path, read] of rules) this.#rules.set(path, new AclFileLink(read));
  }
}

function tell(found: readonly FileProblem[], problems: string[]): void {
  problems.push(...found.map(formatFileProblem));
}

/** The users of a password file. */
export class PasswordFileLink implements Authenticator {
  users: ReadonlyMap<string, PasswordEntry> = new Map();
  readonly #hasher: PasswordHasher;

  constructor(hasher: PasswordHasher) {
    this.#hasher = hasher;
  }

  /** What an unknown user is checked against, so that it takes as long. */
  get decoy(): PasswordRecord | undefined {
    const [first] = this.users.values();
    return first === undefined ? undefined : decoyOf(first.record);
  }

  authenticate(
    { username, password, verified }: Credentials,
    answer: (authentication: Authentication) => void,
  ): void {
    const entry = username === undefined || verified ? undefined : this.users.get(username);
    if (username === undefined || entry === undefined) {
      answer({ verdict: verified ? "ignore" : "defer" });
      return;
    }
    if (password === undefined) {
      answer({ verdict: "deny" });
      return;
    }
    this.#hasher.verify(entry.record, password, (verdict) => {
      if (verdict === "busy") answer({ verdict: "busy" });
      else if (verdict === "wrong") answer({ verdict: "deny" });
      else answer({ verdict: "allow", stillValid: () => this.#isStill(username, entry) });
    });
  }

  #isStill(username: string, entry: PasswordEntry): boolean {
    return this.users.get(username)?.text === entry.text;
  }
}

/** The rules of an ACL file. Subscriptions are not its business: it sifts what they bring. */
export class AclFileLink implements Authorizer {
  readonly #rules: AclRules;

  constructor(rules: AclRules) {
    this.#rules = rules;
  }

  get perClient(): boolean {
    return this.#rules.perClient;
  }

  get namesUsers(): boolean {
    return this.#rules.namesUsers;
  }

  rightsOf(identity: Identity): LinkRights {
    return {
      publishing: this.#rules.rulesOf(identity, "write"),
      receiving: this.#rules.rulesOf(identity, "read"),
      maySubscribe: () => "allow",
      mayUnsubscribe: () => "allow",
    };
  }
}
