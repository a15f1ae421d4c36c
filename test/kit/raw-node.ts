/**
 * An MQTT-SN node on a real UDP socket that sends and receives messages one by one. It accepts whatever
 * topic ids the gateway registers.
 */
import { createSocket, type Socket } from "node:dgram";
import type { TestContext } from "node:test";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { decodeMessage } from "../../src/mqttsn/decode.ts";
import { encodeMessage } from "../../src/mqttsn/encode.ts";
import {
  type Register,
  ReturnCode,
  type SnMessage,
  type SnQoS,
  type TopicReference,
} from "../../src/mqttsn/packets.ts";
import type { SnMessageOf } from "./fake-sn-gateway.ts";

/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 10_000;

export class RawNode {
  readonly clientId: string;
  /** Topic names by the ids that the gateway registered. */
  readonly registered = new Map<number, string>();
  readonly #socket: Socket;
  readonly #port: number;
  #received: SnMessage[] = [];
  #wake: (() => void) | undefined;

  /** `port`: of the gateway on 127.0.0.1. The socket goes with the test. */
  constructor(t: TestContext, port: number, clientId: string) {
    this.clientId = clientId;
    this.#port = port;
    this.#socket = createSocket("udp4");
    this.#socket.on("error", () => {});
    this.#socket.on("message", (frame) => {
      const message = decodeMessage(new Uint8Array(frame));
      if (message.kind === "register") this.#accept(message);
      else if (message.kind !== "fault") this.#received.push(message);
      this.#wake?.();
    });
    t.after(() => this.#socket.close());
  }

  send(message: SnMessage): void {
    const writer = new ByteWriter();
    encodeMessage(writer, message);
    this.#socket.send(writer.copy(), this.#port, "127.0.0.1");
  }

  /** Waits for the next message of these kinds, and takes it; what comes before it stays to be taken. */
  async expect<Kind extends SnMessage["kind"]>(...kinds: Kind[]): Promise<SnMessageOf<Kind>> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const at = this.#received.findIndex(({ kind }) => (kinds as string[]).includes(kind));
      const [found] = at < 0 ? [] : this.#received.splice(at, 1);
      if (found !== undefined) return found as SnMessageOf<Kind>;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${this.clientId} got no ${kinds.join(" or ")}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** What has come and was not taken. */
  take(): SnMessage[] {
    const received = this.#received;
    this.#received = [];
    return received;
  }

  /** Connects without clean session; `duration` in seconds. */
  async connect(duration = 60, will?: { topic: string; payload: string }): Promise<void> {
    const { clientId } = this;
    this.send({
      kind: "connect",
      clientId,
      cleanSession: false,
      will: will !== undefined,
      duration,
      protocolId: 1,
    });
    if (will !== undefined) {
      await this.expect("willtopicreq");
      this.send({ kind: "willtopic", topic: will.topic, qos: 1, retain: false });
      await this.expect("willmsgreq");
      this.send({ kind: "willmsg", payload: new TextEncoder().encode(will.payload) });
    }
    await this.expect("connack");
  }

  /** Answers the topic id that it was granted. */
  async subscribe(name: string, qos: SnQoS): Promise<number> {
    const topic: TopicReference = { type: "name", name };
    this.send({ kind: "subscribe", dup: false, qos, messageId: 1, topic });
    return (await this.expect("suback")).topicId;
  }

  /** Answers the topic id. */
  async register(topicName: string): Promise<number> {
    this.send({ kind: "register", topicId: 0, messageId: 2, topicName });
    return (await this.expect("regack")).topicId;
  }

  /** Falls asleep; `duration` in seconds. */
  async sleep(duration: number): Promise<void> {
    this.send({ kind: "disconnect", duration });
    await this.expect("disconnect");
  }

  #accept({ topicId, messageId, topicName }: Register): void {
    this.registered.set(topicId, topicName);
    this.send({ kind: "regack", topicId, messageId, returnCode: ReturnCode.accepted });
  }

  /** Wakes up, and answers the payloads of what waited, by topic id. */
  async fetch(): Promise<string[]> {
    this.send({ kind: "pingreq", clientId: this.clientId });
    const got: string[] = [];
    for (;;) {
      const message: SnMessage = await this.expect("publish", "pingresp");
      if (message.kind !== "publish") return got;
      const { topicId, messageId, payload, qos } = message;
      got.push(`${topicId}=${new TextDecoder().decode(payload)}`);
      if (qos === 1)
        this.send({ kind: "puback", topicId, messageId, returnCode: ReturnCode.accepted });
    }
  }
}
