/** A datagram-like way to MQTT-SN nodes: a UDP socket, a serial line, a radio stick. */

/** A node's address on its link; `key` is equal for equal addresses and is what logs show. */
export interface LinkAddress {
  readonly key: string;
}

export interface Link {
  /** The link's name in the configuration. */
  readonly name: string;
  /** Sends one MQTT-SN message; `frame` may be reused after the call. */
  send(to: LinkAddress, frame: Uint8Array): void;
  /** Sends one message to everyone in reach (MQTT-SN 1.2 §6.1); does nothing where the link cannot. */
  broadcast(frame: Uint8Array): void;
  /** The longest MQTT-SN message that the link carries, bytes. */
  readonly maximumFrame: number;
  /** T_RETRY of MQTT-SN 1.2 §7.2, ms. */
  readonly retryInterval: number;
  /** N_RETRY of MQTT-SN 1.2 §7.2. */
  readonly retryLimit: number;
}

/** What takes in the frames that links receive. */
export interface LinkEnd {
  /** One message from a node; the bytes are reused after the call. */
  receive(link: Link, from: LinkAddress, frame: Uint8Array): void;
}
