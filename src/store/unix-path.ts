/** Names of Unix sockets that the system takes, however long the path of their folder is. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

/** Bytes that a socket's name can have on any system, with the NUL behind it. */
const LONGEST = 103;

export interface SocketPath {
  readonly path: string;
  /** To be called once the socket is bound or connected, and not before. */
  release(): void;
}

/** Throws where the folder cannot be opened. */
export function socketPath(folder: string, name: string): SocketPath {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= LONGEST) return { path, release: () => {} };
  const fd = openSync(folder, "r");
  return { path: `/proc/self/fd/${fd}/${name}`, release: () => closeSync(fd) };
}
