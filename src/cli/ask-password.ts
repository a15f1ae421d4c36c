/** Asks for a password without showing it; from a pipe it is a line. */
import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { CommandFailure } from "./exit-codes.ts";

/** Takes what readline would show of what is typed. */
class Nowhere extends Writable {
  override _write(_chunk: Uint8Array, _encoding: string, done: () => void): void {
    done();
  }
}

/** Asks twice, unless `repeated` is undefined. Rejects with CommandFailure where the two differ or there is none. */
export async function askPassword(question: string, repeated?: string): Promise<string> {
  const terminal = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, output: new Nowhere(), terminal });
  const answers = lineByLine(lines);
  const ask = async (text: string): Promise<string> => {
    process.stderr.write(text);
    const answer = await answers.next();
    if (terminal) process.stderr.write("\n");
    if (answer.done === true) throw new CommandFailure("No password was given.");
    return answer.value;
  };
  try {
    const password = await ask(question);
    if (repeated !== undefined && (await ask(repeated)) !== password) {
      throw new CommandFailure("Passwords do not match.");
    }
    return password;
  } finally {
    lines.close();
    process.stdin.destroy();
  }
}

/** The lines as they come, none lost that come before they are asked for; ended by the end, or by Ctrl-C. */
function lineByLine(lines: Interface): AsyncIterator<string> {
  lines.on("SIGINT", () => lines.close());
  return lines[Symbol.asyncIterator]();
}
