/** Random bytes that stay the same as long as a data folder lives, and that nobody else may read. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const LENGTH = 32;

/**
 * The secret in the file of this path, which is made if it is not there. Where there is no path, and
 * where the file can neither be read nor made, it lasts as long as the process; `warn` tells of that.
 */
export function stableSecret(path: string | undefined, warn: (text: string) => void): Uint8Array {
  if (path === undefined) return new Uint8Array(randomBytes(LENGTH));
  try {
    const secret = readFileSync(path);
    if (secret.length === LENGTH) return new Uint8Array(secret);
  } catch {
    // It is to be made, then; if the folder is out of reach, that fails as well.
  }
  const secret = new Uint8Array(randomBytes(LENGTH));
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, secret, { mode: 0o600 });
    chmodSync(path, 0o600);
  } catch (error) {
    warn(`${path} cannot be written: ${(error as Error).message}`);
  }
  return secret;
}
