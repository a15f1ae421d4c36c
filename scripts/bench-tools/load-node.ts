/**
 * An MQTT-SN node of the load, on a UDP socket of its own: publishes its next message when the one
 * before was acknowledged (QoS 1), delivered (QoS 0 and -1) or echoed.
 */
import { createSocket, type Socket } from "node:dgram";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodeMessage } from "../../src/mqttsn/encode.ts";
import { MsgType, type SnMessage } from "../../src/mqttsn/packets.ts";
import { shortTopicId } from "../../src/mqttsn/short-topic.ts";
import { stampedPayload } from "./mqtt-packets.ts";
import { readU16, writeStamp, writeU16 } from "./stamp.ts";
import { microseconds, type Traffic } from "./traffic.ts";

/** What nodes without a session publish to; others have a topic each below NODE_TOPICS. */
export const SHORT_TOPIC = "bn";
export const NODE_TOPICS = "bench/node/";

/** Length and MsgType of a short message, Flags, TopicId and MsgId of a PUBLISH (§5.4.12). */
const FLAGS_AT = 2;
const TOPIC_ID_AT = 3;
const MESSAGE_ID_AT = 5;
const STAMP_AT = 7;
const DUP = 0x80;

/** A keep alive longer than any run, s. */
const KEEP_ALIVE = 36_000;

export interface NodeOptions {
  readonly port: number;
  readonly number: number;
  readonly qos: -1 | 0 | 1;
  /** The server returns every datagram as it is, and speaks no MQTT-SN. */
  readonly echo: boolean;
  /** Octets. */
  readonly payload: number;
  readonly traffic: Traffic;
  readonly fail: (cause: string) => void;
}

function encoded(message: SnMessage): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.copy();
}

export class LoadNode {
  readonly #options: NodeOptions;
  readonly #socket: Socket;
  readonly #publish: Uint8Array;
  /** What is repeated until it is answered. */
  #pending: Uint8Array | undefined;
  #answered: (() => void) | undefined;
  #sentAt = 0;
  #messageId = 0;
  #sequence = 0;
  #publishing = false;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#socket = createSocket("udp4", (bytes) => this.#receive(bytes));
    // The port is not served yet, or no more: what is unanswered is repeated or written off.
    this.#socket.on("error", () => {});
    this.#publish = encoded({
      kind: "publish",
      dup: false,
      qos: options.qos,
      retain: false,
      topicIdType: options.qos === -1 ? "short" : "normal",
      topicId: shortTopicId(SHORT_TOPIC) as number,
      messageId: 0,
      payload: stampedPayload(options.payload),
    });
  }

  /** Opens the socket, on an address and port of this machine's choice unless `local` says which. */
  open(local?: { readonly address: string; readonly port: number }): Promise<void> {
    const connect = (resolve: () => void): void => {
      this.#socket.connect(this.#options.port, "127.0.0.1", resolve);
    };
    return new Promise((resolve) => {
      if (local === undefined) connect(resolve);
      else this.#socket.bind({ ...local, exclusive: true }, () => connect(resolve));
    });
  }

  /** CONNECT, until its CONNACK. */
  connect(cleanSession = true): Promise<void> {
    const clientId = `bench-node-${this.#options.number}`;
    return this.#ask(
      encoded({
        kind: "connect",
        clientId,
        cleanSession,
        will: false,
        duration: KEEP_ALIVE,
        protocolId: 1,
      }),
    );
  }

  /** SUBSCRIBE to a topic of the node's own, until its SUBACK. */
  subscribe(): Promise<void> {
    const name = `${NODE_TOPICS}${this.#options.number}/command`;
    const topic = { type: "name", name } as const;
    return this.#ask(encoded({ kind: "subscribe", dup: false, qos: 1, messageId: 2, topic }));
  }

  /** DISCONNECT, until the gateway's. */
  leave(): Promise<void> {
    return this.#ask(encoded({ kind: "disconnect", duration: undefined }));
  }

  /** DISCONNECT for a sleep, until the gateway's (§6.14). */
  sleep(): Promise<void> {
    return this.#ask(encoded({ kind: "disconnect", duration: KEEP_ALIVE }));
  }

  /** REGISTER of the node's topic, until its REGACK. */
  register(): Promise<void> {
    const topicName = `${NODE_TOPICS}${this.#options.number}`;
    return this.#ask(encoded({ kind: "register", topicId: 0, messageId: 1, topicName }));
  }

  #ask(message: Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    this.#send(message);
    return promise;
  }

  start(): void {
    this.#publishing = true;
    this.#next();
  }

  stop(): void {
    this.#publishing = false;
  }

  close(): void {
    this.#socket.close();
  }

  /** Whether an answer has been due for `timeout` µs. */
  overdue(timeout: number): boolean {
    return this.#pending !== undefined && (microseconds() - this.#sentAt) >>> 0 > timeout;
  }

  /** Sends again what was not answered; a message of QoS 0 or -1 is given up for the next one. */
  repeat(): void {
    const pending = this.#pending as Uint8Array;
    if (pending !== this.#publish) this.#send(pending);
    else if (this.#options.qos === 1) {
      pending[FLAGS_AT] = (pending[FLAGS_AT] as number) | DUP;
      this.#send(pending);
    } else this.#next();
  }

  /** The subscriber has the message. */
  delivered(): void {
    if (this.#options.qos < 1) this.#completed();
  }

  #send(message: Uint8Array): void {
    this.#pending = message;
    this.#sentAt = microseconds();
    this.#socket.send(message);
  }

  #next(): void {
    const publish = this.#publish;
    const { qos, number, traffic } = this.#options;
    if (qos === 1) {
      publish[FLAGS_AT] = (publish[FLAGS_AT] as number) & ~DUP;
      this.#messageId = (this.#messageId % 65_535) + 1;
      writeU16(publish, MESSAGE_ID_AT, this.#messageId);
    }
    writeStamp(publish, STAMP_AT, microseconds(), number, this.#sequence++);
    traffic.published++;
    this.#send(publish);
  }

  #completed(): void {
    this.#pending = undefined;
    if (this.#publishing) this.#next();
  }

  #receive(bytes: Uint8Array): void {
    const { echo, traffic, fail } = this.#options;
    const type = bytes[1];
    if (type === MsgType.puback || echo) {
      if (!echo && bytes[6] !== 0)
        fail(`the gateway answered PUBLISH with return code ${bytes[6]}`);
      if (readU16(bytes, echo ? MESSAGE_ID_AT : 4) !== this.#messageId) return;
      traffic.acknowledged++;
      traffic.latency.record((microseconds() - this.#sentAt) >>> 0);
      this.#completed();
    } else if (type === MsgType.connack) {
      this.#answer(bytes[2] as number, "CONNECT");
    } else if (type === MsgType.regack) {
      writeU16(this.#publish, TOPIC_ID_AT, readU16(bytes, 2));
      this.#answer(bytes[6] as number, "REGISTER");
    } else if (type === MsgType.suback) {
      this.#answer(bytes[7] as number, "SUBSCRIBE");
    } else if (type === MsgType.disconnect && this.#pending !== undefined) {
      this.#answer(0, "DISCONNECT");
    } else {
      fail(`the gateway sent a node a message of type ${type}`);
    }
  }

  #answer(code: number, what: string): void {
    if (code !== 0) this.#options.fail(`the gateway answered ${what} with return code ${code}`);
    this.#pending = undefined;
    this.#answered?.();
  }
}
