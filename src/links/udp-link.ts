/** The link to nodes that speak MQTT-SN over UDP, IPv4 and IPv6, with multicast where configured. */
import type { RemoteInfo } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIPv4, isIPv6 } from "node:net";
import type { Link, LinkAddress, LinkEnd } from "../seams/link.ts";
import type { Log } from "../seams/log.ts";
import { LinkError } from "./link-error.ts";
import { hostPort, UdpAddress, UdpAddressBook } from "./udp-address.ts";
import { UdpPort } from "./udp-port.ts";

export interface UdpLinkParts {
  readonly name: string;
  /** An address or host name of this machine; "" or "::" for every address, IPv4 and IPv6. */
  readonly address: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Where `broadcast` sends to and searching nodes are heard from; the port is the link's. */
  readonly multicastGroup?: string | undefined;
  /** The interface's local address, for IPv6 in the form `::%eth0`. */
  readonly multicastInterface?: string | undefined;
  /** T_RETRY, ms. */
  readonly retryInterval: number;
  /** N_RETRY. */
  readonly retryLimit: number;
  /** Bytes. */
  readonly maximumFrame: number;
  /** Bytes asked for; the system may give less. 0 leaves its choice. */
  readonly receiveBuffer: number;
  /** The part of the configuration that this link comes from, for error messages. */
  readonly setting: string;
  readonly end: LinkEnd;
  readonly log: Log;
}

/** Broadcasts remembered, so that those which multicast brings back are known for our own. */
const REMEMBERED_BROADCASTS = 4;

export class UdpLink implements Link {
  readonly name: string;
  readonly maximumFrame: number;
  readonly retryInterval: number;
  readonly retryLimit: number;
  readonly #parts: UdpLinkParts;
  readonly #end: LinkEnd;
  readonly #book = new UdpAddressBook();
  readonly #ports: UdpPort[] = [];
  #portNumber: number;
  #group: UdpAddress | undefined;
  #broadcasts: Uint8Array[] = [];

  constructor(parts: UdpLinkParts) {
    this.#parts = parts;
    this.#end = parts.end;
    this.name = parts.name;
    this.maximumFrame = parts.maximumFrame;
    this.retryInterval = parts.retryInterval;
    this.retryLimit = parts.retryLimit;
    this.#portNumber = parts.port;
  }

  /** Port in force: the one asked for, or the one given where 0 was asked for. */
  get port(): number {
    return this.#portNumber;
  }

  /** Errors seen in sending and receiving since the start. */
  get errors(): number {
    return this.#ports.reduce((sum, port) => sum + port.errors, 0);
  }

  /** Opens the sockets. Rejects with LinkError, with nothing left open. */
  async start(): Promise<void> {
    const { address, port, setting } = this.#parts;
    try {
      if (address === "" || address === "::") await this.#openEverywhere();
      else await this.#openAt(address);
      await this.#joinGroup();
    } catch (error) {
      await this.stop();
      const where = hostPort(address === "" ? "*" : address, port);
      throw new LinkError(this.name, where, setting, error as NodeJS.ErrnoException);
    }
    this.#tellSmallBuffer();
  }

  async stop(): Promise<void> {
    const ports = this.#ports.splice(0);
    this.#group = undefined;
    await Promise.all(ports.map((port) => port.close()));
  }

  send(to: LinkAddress, frame: Uint8Array): void {
    if (to instanceof UdpAddress) to.through.send(to, frame);
  }

  broadcast(frame: Uint8Array): void {
    const group = this.#group;
    if (group === undefined) return;
    this.#broadcasts = [frame.slice(), ...this.#broadcasts.slice(0, REMEMBERED_BROADCASTS - 1)];
    group.unwatched = 0;
    group.through.send(group, frame);
  }

  async #openAt(address: string): Promise<void> {
    if (isIPv4(address) || isIPv6(address)) {
      await this.#open(isIPv4(address) ? 4 : 6, address);
      return;
    }
    const found = await lookup(address);
    await this.#open(found.family === 6 ? 6 : 4, found.address);
  }

  async #openEverywhere(): Promise<void> {
    await this.#open(4, "0.0.0.0");
    try {
      await this.#open(6, "::");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A machine without IPv6 is served by IPv4 alone.
      if (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL") throw error;
    }
  }

  async #open(family: 4 | 6, address: string, shared = false): Promise<UdpPort> {
    const port: UdpPort = new UdpPort({
      family,
      address,
      port: this.#portNumber,
      shared,
      bufferSize: this.#parts.receiveBuffer,
      receive: (bytes, from) => this.#receive(answers, bytes, from),
    });
    // What came by a group's socket is answered from the link's own address.
    const answers = shared ? (this.#ports[0] ?? port) : port;
    try {
      await port.open();
    } catch (error) {
      await port.close();
      throw error;
    }
    this.#ports.push(port);
    this.#portNumber = port.port;
    return port;
  }

  async #joinGroup(): Promise<void> {
    const { multicastGroup, multicastInterface, address } = this.#parts;
    if (multicastGroup === undefined) return;
    const family = isIPv4(multicastGroup) ? 4 : 6;
    const sender = this.#ports.find((port) => port.family === family);
    if (sender === undefined) {
      throw new Error(`an IPv${family} multicast group needs an IPv${family} address`);
    }
    if (address === "" || address === "::" || address === "0.0.0.0") {
      sender.join(multicastGroup, multicastInterface);
    } else {
      // A socket bound to one address does not get what is sent to a group; one bound to the group does.
      const through = multicastInterface ?? (family === 4 ? address : undefined);
      const receiver = await this.#open(family, multicastGroup, true);
      receiver.join(multicastGroup, through);
      sender.sendMulticastThrough(through);
    }
    this.#group = new UdpAddress(sender, multicastGroup, this.#portNumber);
  }

  #receive(answers: UdpPort, bytes: Uint8Array, from: RemoteInfo): void {
    // Nothing can be sent back to port 0, which only a forged datagram comes from.
    if (from.port === 0) return;
    if (from.port === this.#portNumber && this.#isOwnBroadcast(bytes)) return;
    this.#end.receive(this, this.#book.find(answers, from.address, from.port), bytes);
  }

  /** Multicast brings our own datagrams back, so that nodes on this machine hear them too. */
  #isOwnBroadcast(bytes: Uint8Array): boolean {
    return this.#broadcasts.some(
      (sent) => sent.length === bytes.length && sent.every((byte, at) => byte === bytes[at]),
    );
  }

  #tellSmallBuffer(): void {
    const asked = this.#parts.receiveBuffer;
    const given = this.#ports[0]?.receiveBuffer ?? asked;
    if (given >= asked) return;
    this.#parts.log.info(
      `link "${this.name}": the system gave a receive buffer of ${given} bytes instead of ${asked}; net.core.rmem_max limits it`,
    );
  }
}
