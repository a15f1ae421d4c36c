/** An application message on its way through the broker. */
import type { QoS } from "../mqtt/qos.ts";

export class Message {
  readonly topic: string;
  /**
   * The application bytes. As long as `borrowed`, they lie in a buffer that is reused when the
   * current call returns: whoever keeps the message longer calls `keep()` first.
   */
  payload: Uint8Array;
  /** The QoS that it was published with. */
  readonly qos: QoS;
  /** The RETAIN flag that it was published with. */
  readonly retain: boolean;
  #borrowed: boolean;
  /**
   * Where the QoS 0 packet of this message was last encoded, so that those who receive it alike copy
   * it: bytes [encodedAt, encodedEnd) of `encodedIn`. Valid while the message is being routed only.
   */
  encodedIn: Uint8Array | undefined;
  encodedAt: number;
  encodedEnd: number;

  constructor(topic: string, payload: Uint8Array, qos: QoS, retain: boolean, borrowed = false) {
    this.topic = topic;
    this.payload = payload;
    this.qos = qos;
    this.retain = retain;
    this.#borrowed = borrowed;
    this.encodedIn = undefined;
    this.encodedAt = 0;
    this.encodedEnd = 0;
  }

  /** Makes the payload the message's own, so that it may be kept. */
  keep(): this {
    if (this.#borrowed) {
      this.payload = this.payload.slice();
      this.#borrowed = false;
    }
    return this;
  }
}
