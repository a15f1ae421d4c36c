/** A node's UDP socket to one gateway. */
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { networkCause } from "../sockets/network-cause.ts";
import { CommandFailure } from "./exit-codes.ts";
import type { SnTransport, SnTransportEnd } from "./sn-transport.ts";

/** What a UDP datagram over IPv4 holds, bytes. */
const LONGEST_DATAGRAM = 65_507;

export class UdpTransport implements SnTransport {
  readonly where: string;
  readonly maximumFrame = LONGEST_DATAGRAM;
  readonly #address: string;
  readonly #port: number;
  readonly #socket: Socket;
  #end: SnTransportEnd | undefined;

  /** `address`: an IP address; `host`: how the user calls it. */
  constructor(address: string, port: number, host = address) {
    this.where = `${host}, UDP port ${port}`;
    this.#address = address;
    this.#port = port;
    this.#socket = createSocket({
      type: isIPv6(address) ? "udp6" : "udp4",
      // The address is numeric already.
      lookup: (name, _options, callback) => callback(null, name, isIPv6(name) ? 6 : 4),
    });
  }

  open(end: SnTransportEnd): Promise<void> {
    const socket = this.#socket;
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === "ECONNREFUSED") end.unreachable();
    };
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => {
        const place = `${this.#address} port ${this.#port}`;
        reject(new CommandFailure(`cannot open a socket to ${place}: ${networkCause(error)}`));
      };
      socket.once("error", refuse);
      // Connected, so that the system tells when nothing listens there.
      socket.connect(this.#port, this.#address, () => {
        socket.off("error", refuse);
        socket.on("error", failed);
        socket.on("message", ({ buffer, byteOffset, length }) =>
          end.receive(new Uint8Array(buffer, byteOffset, length)),
        );
        this.#end = end;
        resolve();
      });
    });
  }

  send(frame: Uint8Array): void {
    const end = this.#end;
    if (end === undefined) return;
    this.#socket.send(frame, (error) => {
      if ((error as NodeJS.ErrnoException | null)?.code === "ECONNREFUSED") end.unreachable();
    });
  }

  close(): void {
    if (this.#end !== undefined) this.#socket.close();
    this.#end = undefined;
  }
}
