/** The link to nodes that speak MQTT-SN over UDP, IPv4 and IPv6, with multicast where configured. */
import type { RemoteInfo } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIPv4, isIPv6 } from "node:net";
import type { Link, LinkAddress, LinkEnd } from "../seams/link.ts";
import type { Log } from "../seams/log.ts";
import { LinkError } from "./link-error.ts";
import { OwnEndpoints } from "./own-endpoints.ts";
import { hostPort, parseHostPort, UdpAddress, UdpAddressBook } from "./udp-address.ts";
import { UdpPort } from "./udp-port.ts";
import { receivingAddress, Vicinity } from "./vicinity.ts";

export interface UdpLinkParts {
  readonly name: string;
  /**
   * An address or host name of this machine; "" for every address, IPv4 and IPv6, "0.0.0.0" and "::"
   * for those of one family.
   */
  readonly address: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Where `broadcast` sends to and searching nodes are heard from; the port is the link's. */
  readonly multicastGroup?: string | undefined;
  /** The interface's local address, for IPv6 in the form `::%eth0`. */
  readonly multicastInterface?: string | undefined;
  /** Hops that broadcasts go at most, 1 to 255. */
  readonly multicastHops?: number | undefined;
  /** See `Link`. */
  readonly gatewayId?: number | undefined;
  /** See `Link`. */
  readonly advertiseInterval?: number | undefined;
  /** T_RETRY, ms. */
  readonly retryInterval: number;
  /** N_RETRY. */
  readonly retryLimit: number;
  /** Bytes. */
  readonly maximumFrame: number;
  /** Bytes asked for; the system may give less. 0 leaves its choice. */
  readonly receiveBuffer: number;
  /** Shared by all links of the gateway. */
  readonly own?: OwnEndpoints | undefined;
  /** The part of the configuration that this link comes from, for error messages. */
  readonly setting: string;
  readonly end: LinkEnd;
  readonly log: Log;
}

const EVERY_ADDRESS: ReadonlySet<string> = new Set(["", "0.0.0.0", "::"]);

export class UdpLink implements Link {
  readonly name: string;
  readonly maximumFrame: number;
  readonly retryInterval: number;
  readonly retryLimit: number;
  readonly gatewayId: number | undefined;
  readonly advertiseInterval: number | undefined;
  readonly #parts: UdpLinkParts;
  readonly #end: LinkEnd;
  readonly #own: OwnEndpoints;
  readonly #book: UdpAddressBook;
  readonly #ports: UdpPort[] = [];
  #portNumber: number;
  #group: UdpAddress | undefined;
  #vicinity: Vicinity | undefined;
  readonly #disown: (() => void)[] = [];

  constructor(parts: UdpLinkParts) {
    this.#parts = parts;
    this.#end = parts.end;
    const own = parts.own ?? new OwnEndpoints();
    this.#own = own;
    this.#book = new UdpAddressBook((address, port) => own.has(address, port));
    this.gatewayId = parts.gatewayId;
    this.advertiseInterval = parts.advertiseInterval;
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
      if (address === "") await this.#openEverywhere();
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
    for (const disown of this.#disown.splice(0)) disown();
    await Promise.all(ports.map((port) => port.close()));
  }

  send(to: LinkAddress, frame: Uint8Array): void {
    if (to instanceof UdpAddress) to.through.send(to, frame);
  }

  broadcast(frame: Uint8Array, radius = 0): void {
    const group = this.#group;
    if (group === undefined) return;
    const furthest = this.#parts.multicastHops ?? 1;
    group.through.setMulticastHops(radius === 0 ? furthest : Math.min(radius, furthest));
    group.unwatched = 0;
    group.through.send(group, frame);
  }

  addressOf(key: string): LinkAddress | undefined {
    const place = parseHostPort(key);
    if (place === undefined) return undefined;
    const family = isIPv4(place.address) ? 4 : 6;
    const through = this.#ports.find((port) => port.family === family);
    return through && this.#book.find(through, place.address, place.port);
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
      receive: (bytes, from) => {
        if (shared && this.#vicinity?.mayHear(from.address) === false) return;
        this.#receive(answers, bytes, from);
      },
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
    if (!shared) this.#disown.push(this.#own.add(address, port.port));
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
    if (EVERY_ADDRESS.has(address)) {
      sender.join(multicastGroup, multicastInterface);
    } else {
      // A socket bound to one address does not get what is sent to a group; one bound to the group does.
      const vicinity = new Vicinity(sender.address);
      const { interfaceName } = vicinity;
      const its = family === 4 ? sender.address : interfaceName && `::%${interfaceName}`;
      const through = multicastInterface ?? its;
      this.#vicinity = vicinity;
      const receiver = await this.#open(family, receivingAddress(multicastGroup, through), true);
      receiver.join(multicastGroup, through);
      sender.sendMulticastThrough(through);
    }
    this.#group = new UdpAddress(sender, multicastGroup, this.#portNumber);
  }

  #receive(answers: UdpPort, bytes: Uint8Array, from: RemoteInfo): void {
    // Nothing can be sent back to port 0, which only a forged datagram comes from.
    if (from.port === 0) return;
    const sender = this.#book.find(answers, from.address, from.port);
    // Multicast brings our own datagrams back, so that nodes on this machine hear them too.
    if (!sender.own) this.#end.receive(this, sender, bytes);
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
