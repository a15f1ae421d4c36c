/** An application message on its way through the broker. */
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";

/** The properties that go with a message to whoever receives it [MQTT-3.3.2-4, -15 to -18, -20]. */
export type MessageProperties = Pick<
  Properties,
  "payloadFormatIndicator" | "contentType" | "responseTopic" | "correlationData" | "userProperties"
>;

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
  readonly properties: MessageProperties | undefined;
  /** When it is worth nothing any more, monotonic ms; undefined is never. */
  readonly expiresAt: number | undefined;
  #borrowed: boolean;
  /**
   * Where the QoS 0 packet of this message was last encoded, so that those who receive it alike copy
   * it: bytes [encodedAt, encodedEnd) of `encodedIn`, in the form of `encodedLevel`. Only between
   * `beginRouting` and `endRouting`: afterwards the buffer is another's.
   */
  encodedIn: Uint8Array | undefined;
  encodedAt: number;
  encodedEnd: number;
  encodedLevel: number;
  /** The message goes to all who subscribe, one after the other. */
  #routed = false;

  constructor(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    borrowed = false,
    properties: MessageProperties | undefined = undefined,
    expiresAt: number | undefined = undefined,
  ) {
    this.topic = topic;
    this.payload = payload;
    this.qos = qos;
    this.retain = retain;
    this.properties = properties;
    this.expiresAt = expiresAt;
    this.#borrowed = borrowed;
    this.encodedIn = undefined;
    this.encodedAt = 0;
    this.encodedEnd = 0;
    this.encodedLevel = 0;
  }

  get isRouted(): boolean {
    return this.#routed;
  }

  beginRouting(): void {
    this.#routed = true;
  }

  endRouting(): void {
    this.#routed = false;
    this.encodedIn = undefined;
  }

  /** The same message with other properties. */
  withProperties(properties: MessageProperties | undefined): Message {
    const { topic, payload, qos, retain, expiresAt } = this;
    return new Message(topic, payload, qos, retain, this.#borrowed, properties, expiresAt);
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
