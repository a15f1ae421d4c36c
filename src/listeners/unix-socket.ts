/** Makes way for a Unix socket: what a process that is gone has left behind is removed, nothing else. */
import { lstat, stat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";

/** What the system's address structure holds, bytes. */
const LONGEST_PATH = 107;
const PATIENCE = 1000;

/** Rejects with an Error that says in words why the path cannot be used. */
export async function clearSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new Error(`the path of a Unix socket has ${LONGEST_PATH} bytes at most`);
  }
  // Listening would only say that it is not permitted.
  await stat(dirname(path));
  const present = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (present === undefined) return;
  if (!present.isSocket()) {
    throw new Error("there is a file of another kind; remove it, or choose another path");
  }
  if (await isServed(path)) {
    throw new Error("another program listens there. Stop it, or choose another path");
  }
  await unlink(path);
}

/** Somebody answers at the other end; also when that cannot be ruled out. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (served: boolean): void => {
      socket.destroy();
      resolve(served);
    };
    socket.setTimeout(PATIENCE, () => answer(true));
    socket.once("connect", () => answer(true));
    socket.once("error", ({ code }: NodeJS.ErrnoException) => answer(code !== "ECONNREFUSED"));
  });
}
