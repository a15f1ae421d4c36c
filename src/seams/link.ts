/** A datagram-like way to MQTT-SN nodes: a UDP socket, a serial line, a radio stick. */

/** A node's address on its link; `key` is equal for equal addresses and is what logs show. */
export interface LinkAddress {
  readonly key: string;
  /** What of it a sender cannot change at will, if not all: the IP address without the port. */
  readonly host?: string | undefined;
}

export interface Link {
  /** The link's name in the configuration. */
  readonly name: string;
  /** Sends one MQTT-SN message; `frame` may be reused after the call. */
  send(to: LinkAddress, frame: Uint8Array): void;
  /**
   * Sends one message to everyone in reach (MQTT-SN 1.2 §6.1), or within `radius` hops where that is
   * above 0; does nothing where the link cannot.
   */
  broadcast(frame: Uint8Array, radius?: number): void;
  /** The address of this key, as it was before a restart; undefined where only hearing tells. */
  addressOf?(key: string): LinkAddress | undefined;
  /** GwId on this link, unless it is the gateway's. */
  readonly gatewayId?: number | undefined;
  /** T_ADV of MQTT-SN 1.2 §6.1 on this link, s, unless it is the gateway's; 0 is never. */
  readonly advertiseInterval?: number | undefined;
  /** The longest MQTT-SN message that the link carries, bytes. */
  readonly maximumFrame: number;
  /** T_RETRY of MQTT-SN 1.2 §7.2, ms. */
  readonly retryInterval: number;
  /** N_RETRY of MQTT-SN 1.2 §7.2. */
  readonly retryLimit: number;
  /** What the link itself counted, by name; told in its report. */
  counters?(): Readonly<Record<string, number>>;
}

/** How a frame came in, as far as a radio tells. */
export interface Reception {
  /** Signal strength, dBm. */
  readonly rssi?: number | undefined;
  /** Signal to noise ratio, dB. */
  readonly snr?: number | undefined;
  /** The sender's supply voltage, V. */
  readonly battery?: number | undefined;
}

/** What takes in the frames that links receive. */
export interface LinkEnd {
  /** One message from a node; the bytes are reused after the call. `reception` is not changed any more. */
  receive(link: Link, from: LinkAddress, frame: Uint8Array, reception?: Reception): void;
}
