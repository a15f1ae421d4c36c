/** An MQTT connection that comes back by itself under the same session, packet by packet. */
import { connect, type Socket } from "node:net";
import { ByteWriter } from "../../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../../src/mqtt/encode.ts";
import { PacketStream } from "../../../src/mqtt/packet-stream.ts";
import type { Packet } from "../../../src/mqtt/packets.ts";
import type { PacketLog } from "./packet-log.ts";

/** Between a lost connection and the next attempt, ms. */
const PAUSE = 25;
/** Without a CONNACK in this time the connection is given up, ms. */
const PATIENCE = 5000;

export interface ReturningClientParts {
  readonly clientId: string;
  /** Of a broker on 127.0.0.1. */
  readonly port: number;
  readonly level: 4 | 5;
  readonly log: PacketLog;
  /** The broker has accepted the client. */
  readonly connected: (sessionPresent: boolean) => void;
  readonly packet: (packet: Packet) => void;
}

export class ReturningClient {
  readonly #parts: ReturningClientParts;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #connected = false;
  #wanted = false;

  constructor(parts: ReturningClientParts) {
    this.#parts = parts;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Connects, and goes on doing so until `leave`. */
  come(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#dial();
  }

  /** Leaves in order or by breaking the connection, and stays away. */
  leave(how: "order" | "break"): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === undefined) return;
    if (how === "break" || !this.#connected) {
      socket.resetAndDestroy();
    } else {
      this.send({ kind: "disconnect" });
      socket.end();
    }
    this.#end();
  }

  /** Sends a packet; it is lost if there is no connection. */
  send(packet: Packet): void {
    const { log, clientId, level } = this.#parts;
    if (this.#socket === undefined) return;
    const writer = new ByteWriter();
    encodePacket(writer, packet, level);
    log.packet(clientId, ">", packet);
    this.#socket.write(writer.copy());
  }

  #dial(): void {
    const { port, level, clientId } = this.#parts;
    const socket = connect(port, "127.0.0.1");
    this.#socket = socket;
    socket.setNoDelay(true);
    const stream = new PacketStream({ maximumPacketSize: 1_000_000, role: "client", level });
    socket.on("error", () => {});
    socket.once("close", () => this.#lost(socket));
    socket.once("connect", () => {
      if (this.#socket !== socket) return;
      const properties = level === 5 ? { sessionExpiryInterval: 86_400 } : undefined;
      this.send({
        kind: "connect",
        level,
        bridge: false,
        clientId,
        cleanStart: false,
        keepAlive: 0,
        properties,
      });
    });
    socket.on("data", (chunk: Buffer) => {
      if (this.#socket !== socket) return;
      const fault = stream.feed(new Uint8Array(chunk), (packet) => this.#take(socket, packet));
      if (fault === undefined) return;
      this.#parts.log.note(clientId, `got rubbish: ${fault.detail}`);
      socket.destroy();
    });
    this.#timer = setTimeout(() => {
      if (this.#socket === socket && !this.#connected) socket.destroy();
    }, PATIENCE);
  }

  #take(socket: Socket, packet: Packet): void {
    if (this.#socket !== socket) return;
    const { log, clientId, connected } = this.#parts;
    log.packet(clientId, "<", packet);
    if (packet.kind !== "connack") {
      this.#parts.packet(packet);
    } else if (packet.returnCode === 0) {
      clearTimeout(this.#timer);
      this.#connected = true;
      connected(packet.sessionPresent);
    } else {
      socket.destroy();
    }
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return;
    if (this.#connected) this.#parts.log.note(this.#parts.clientId, "lost its connection");
    this.#end();
    if (this.#wanted) this.#timer = setTimeout(() => this.#dial(), PAUSE);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#socket = undefined;
    this.#connected = false;
  }
}
