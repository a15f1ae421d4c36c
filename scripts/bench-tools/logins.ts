/** The users of the load, and the password file and ACL file that every broker is given alike. */
import { pbkdf2Sync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Login {
  readonly username: string;
  readonly password: string;
}

export const PUBLISHER: Login = { username: "bench-publisher", password: "a publisher's secret" };
export const SUBSCRIBER: Login = {
  username: "bench-subscriber",
  password: "a subscriber's secret",
};

/** As mosquitto_passwd of 2.0 makes them, so that thousands of logins are cheap for every broker. */
const ITERATIONS = 101;
const HASH_LENGTH = 64;

/** A line of a password file: PBKDF2-HMAC-SHA-512 over the salt. */
export function passwordLine({ username, password }: Login, salt: Uint8Array): string {
  const hash = pbkdf2Sync(password, salt, ITERATIONS, HASH_LENGTH, "sha512");
  const saltText = Buffer.from(salt).toString("base64");
  return `${username}:$7$${ITERATIONS}$${saltText}$${hash.toString("base64")}`;
}

/**
 * Rules as a site has them: some for each user, of which the last is the one that allows the load, and
 * patterns, of which none does.
 */
const ACL = `pattern readwrite devices/%c/#
pattern read firmware/%u/+

user ${PUBLISHER.username}
topic write plant/+/status
topic write plant/+/line/+/value
topic readwrite commands/#
topic write bench/#

user ${SUBSCRIBER.username}
topic read plant/#
topic read alarms/+/+
topic deny bench/secret/#
topic read bench/#
`;

export interface AccessFiles {
  readonly passwordFile: string;
  readonly aclFile: string;
}

/** Writes both files into a folder. */
export function writeAccessFiles(folder: string): AccessFiles {
  const files = { passwordFile: join(folder, "passwords"), aclFile: join(folder, "acl") };
  const salt = new TextEncoder().encode("twelve bytes");
  const lines = [PUBLISHER, SUBSCRIBER].map((login) => `${passwordLine(login, salt)}\n`);
  // Brokers warn about files of secrets that others can read.
  writeFileSync(files.passwordFile, lines.join(""), { mode: 0o600 });
  writeFileSync(files.aclFile, ACL, { mode: 0o600 });
  return files;
}
