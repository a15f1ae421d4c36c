/**
 * Where `midge backup` asks a running Midge for all that it keeps: a Unix socket in the data's folder.
 * LevelDB lets one process read at a time, so it is the running one that has to tell. Whoever may open
 * the socket may read the folder as well: no right, password or port is needed for it, and nothing of
 * it shows on the network.
 */
import { rmSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Log } from "../seams/log.ts";
import { type BackupSource, backupLines, refusedBackup } from "./backup-format.ts";
import { socketPath } from "./unix-path.ts";

export interface BackupDoorParts {
  /** The data's folder, which this process alone uses. */
  readonly folder: string;
  /** All that is kept, as it is now. Rejects with what is in the way. */
  readonly source: () => Promise<BackupSource>;
  readonly log: Log;
}

export const SOCKET_NAME = "midge.sock";
export const BACKUP_REQUEST = "backup\n";
/** Whoever connects says at once what it wants, and reads on, ms. */
const PATIENCE = 30_000;

export class BackupDoor {
  readonly #parts: BackupDoorParts;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(parts: BackupDoorParts) {
    this.#parts = parts;
  }

  /** Where it cannot be opened, that is logged: everything else goes on. */
  async start(): Promise<void> {
    const { folder, log } = this.#parts;
    const server = createServer((socket) => this.#serve(socket));
    try {
      const file = join(folder, SOCKET_NAME);
      // The store is locked: what is there was left by a process that is gone.
      rmSync(file, { force: true });
      const { path, release } = socketPath(folder, SOCKET_NAME);
      try {
        await new Promise<void>((resolve, reject) => {
          server.once("error", reject);
          server.listen(path, resolve);
        });
        await chmod(path, 0o600);
      } finally {
        release();
      }
      server.on("error", () => {});
      this.#server = server;
    } catch (error) {
      server.close();
      log.warn(`store: midge backup cannot reach this process: ${(error as Error).message}`);
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(join(this.#parts.folder, SOCKET_NAME), { force: true });
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let request = "";
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    socket.setTimeout(PATIENCE, () => socket.destroy());
    const listen = (chunk: Buffer): void => {
      request += chunk.toString("latin1");
      if (!BACKUP_REQUEST.startsWith(request)) socket.destroy();
      if (request !== BACKUP_REQUEST) return;
      socket.off("data", listen);
      void this.#send(socket);
    };
    socket.on("data", listen);
  }

  async #send(socket: Socket): Promise<void> {
    const { log } = this.#parts;
    try {
      await pipeline(Readable.from(this.#lines()), createGzip(), socket);
      log.notice("store: a backup was made");
    } catch (error) {
      socket.destroy();
      log.warn(`store: a backup was not finished: ${(error as Error).message}`);
    }
  }

  async *#lines(): AsyncGenerator<string> {
    let source: BackupSource;
    try {
      source = await this.#parts.source();
    } catch (error) {
      yield refusedBackup((error as Error).message);
      return;
    }
    yield* backupLines(source);
  }
}
