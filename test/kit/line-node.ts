/** A node on a line: an MQTT-SN client behind a framing, with promises around it. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import type { Framing } from "../../src/links/framing/framing.ts";
import type { Outcome } from "../../src/mqttsn-client/outcome.ts";
import type { Publication } from "../../src/mqttsn-client/publish-exchange.ts";
import { SnClient } from "../../src/mqttsn-client/sn-client.ts";
import { RealTime } from "../../src/system/real-time.ts";

export interface LineNodeParts {
  readonly clientId: string;
  readonly framing: Framing;
  /** Sends bytes over the line; they are the receiver's to keep. */
  readonly send: (bytes: Uint8Array) => void;
  /** Turns a message into what the framing carries, and back; undefined for another's message. */
  readonly wrap?: (message: Uint8Array) => Uint8Array;
  readonly unwrap?: (frame: Uint8Array) => Uint8Array | undefined;
  /** ms */
  readonly retryInterval?: number;
}

export class LineNode {
  readonly client: SnClient;
  /** "topic payload" of what came. */
  readonly messages: string[] = [];
  readonly #parts: LineNodeParts;
  readonly #time = new RealTime();

  constructor(parts: LineNodeParts) {
    this.#parts = parts;
    this.client = new SnClient({
      clock: this.#time,
      scheduler: this.#time.scheduler,
      random: Math.random,
      clientId: parts.clientId,
      retryInterval: parts.retryInterval ?? 300,
      retryLimit: 50,
      send: (message) => {
        const writer = new ByteWriter();
        parts.framing.encode(parts.wrap?.(message) ?? message, writer);
        parts.send(writer.copy());
      },
      listener: {
        message: ({ topic, payload }) => {
          const name = topic.type === "predefined" ? topic.topicId : topic.name;
          this.messages.push(`${name} ${new TextDecoder().decode(payload)}`);
        },
        disconnected: () => {},
      },
    });
    this.#time.start();
  }

  stop(): void {
    this.#time.stop();
  }

  feed(bytes: Uint8Array): void {
    this.#parts.framing.feed(bytes, this.#time.now(), (frame) => {
      const { unwrap } = this.#parts;
      const message = unwrap === undefined ? frame : unwrap(frame);
      if (message !== undefined) this.client.receive(message);
    });
  }

  connect(cleanSession = true): Promise<Outcome> {
    return new Promise((resolve) => this.client.connect({ cleanSession, duration: 60 }, resolve));
  }

  subscribe(name: string): Promise<Outcome> {
    return new Promise((resolve) =>
      this.client.subscribe({ type: "name", name }, 1, (outcome) => resolve(outcome)),
    );
  }

  publish(name: string, payload: string, qos: Publication["qos"] = 1): Promise<Outcome> {
    return new Promise((resolve) =>
      this.client.publish(
        {
          topic: { type: "name", name },
          payload: new TextEncoder().encode(payload),
          qos,
          retain: false,
        },
        resolve,
      ),
    );
  }

  sleep(duration: number): Promise<Outcome> {
    return new Promise((resolve) => this.client.sleep(duration, resolve));
  }

  wake(): Promise<Outcome> {
    return new Promise((resolve) => this.client.wake(resolve));
  }
}
