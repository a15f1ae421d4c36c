/**
 * A local door through which `midge sniff` listens in on the links of a running gateway: a Unix socket
 * that only the gateway's own user may open. A visitor writes a link's name and a line feed, and is
 * told of each frame from then on.
 */
import { chmod, unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { LinkTap } from "../gateway/link-state.ts";
import type { Log } from "../seams/log.ts";
import { writeRecord } from "./sniff-record.ts";

/** The socket in the data folder. */
export function sniffSocket(dataFolder: string): string {
  return join(dataFolder, "sniff.sock");
}

export interface SniffDoorParts {
  readonly path: string;
  /** The configuration's names. */
  readonly links: readonly string[];
  /** Has a link listened in on, or no more. */
  readonly tap: (link: string, tap: LinkTap | undefined) => void;
  readonly wall: () => number;
  readonly log: Log;
}

const LONGEST_NAME = 4096;
/** What may wait for a visitor that does not read; the rest is left out, bytes. */
const MOST_WAITING = 1_048_576;
const MOST_VISITORS = 8;

export class SniffDoor {
  readonly #parts: SniffDoorParts;
  readonly #server: Server;
  readonly #visitors = new Set<Socket>();
  /** By link. */
  readonly #listening = new Map<string, Set<Socket>>();

  constructor(parts: SniffDoorParts) {
    this.#parts = parts;
    this.#server = createServer((socket) => this.#visit(socket));
    this.#server.maxConnections = MOST_VISITORS;
  }

  /** Where it cannot be opened, there is a line in the log and no door. */
  async start(): Promise<void> {
    const { path, log } = this.#parts;
    // Of one that ended without tidying up; two never share a data folder.
    await unlink(path).catch(() => {});
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(path, () => {
          this.#server.off("error", reject);
          resolve();
        });
      });
      await chmod(path, 0o600);
    } catch (error) {
      log.debug(`midge sniff cannot listen in: ${(error as Error).message}`);
    }
    this.#server.on("error", () => {});
    this.#server.unref();
  }

  async stop(): Promise<void> {
    for (const socket of this.#visitors) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #visit(socket: Socket): void {
    this.#visitors.add(socket);
    let asked = "";
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#visitors.delete(socket);
      this.#leave(socket);
    });
    socket.on("data", (text: string) => {
      if (asked.endsWith("\n")) return;
      asked += text;
      if (asked.length > LONGEST_NAME) socket.destroy();
      const end = asked.indexOf("\n");
      if (end < 0) return;
      const link = asked.slice(0, end);
      asked = "\n";
      this.#listen(link, socket);
    });
  }

  #listen(link: string, socket: Socket): void {
    const { links, tap } = this.#parts;
    if (!links.includes(link)) {
      socket.end(`${JSON.stringify({ problem: "there is no such link", links })}\n`);
      return;
    }
    socket.write(`${JSON.stringify({ link })}\n`);
    const sockets = this.#listening.get(link);
    if (sockets !== undefined) {
      sockets.add(socket);
      return;
    }
    const all = new Set([socket]);
    this.#listening.set(link, all);
    tap(link, (way, address, frame) => {
      const at = this.#parts.wall();
      const line = writeRecord({ at, way, address: address?.key ?? "", frame });
      for (const one of all) if (one.writableLength < MOST_WAITING) one.write(line);
    });
  }

  #leave(socket: Socket): void {
    for (const [link, sockets] of this.#listening) {
      if (!sockets.delete(socket) || sockets.size > 0) continue;
      this.#listening.delete(link);
      this.#parts.tap(link, undefined);
    }
  }
}
