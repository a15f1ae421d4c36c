/**
 * A small MQTT-SN gateway on a real UDP socket, made from the codec alone: it takes what nodes ask,
 * keeps what they sent, and hands a PUBLISH on to those who subscribed to exactly that topic.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { TestContext } from "node:test";
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { decodeMessage } from "../../src/mqttsn/decode.ts";
import { encodeMessage } from "../../src/mqttsn/encode.ts";
import type { Publish, SnMessage, TopicReference } from "../../src/mqttsn/packets.ts";
import { shortTopicName } from "../../src/mqttsn/short-topic.ts";

const PATIENCE = 20_000;

/** The messages whose kind is, or may be, K. */
export type SnMessageOf<K> = SnMessage extends infer Message
  ? Message extends { kind: infer Kinds }
    ? K extends Kinds
      ? Message
      : never
    : never
  : never;

interface Node {
  readonly remote: RemoteInfo;
  wirelessNodeId: Uint8Array | undefined;
  readonly ids: Map<number, string>;
  readonly subscriptions: Map<string, number>;
  asleep: boolean;
  readonly buffered: Publish[];
}

export class FakeSnGateway {
  /** All messages of nodes, unwrapped, in order. */
  readonly heard: SnMessage[] = [];
  /** Publications as "topic payload". */
  readonly published: string[] = [];
  /** Messages named here go unanswered. */
  readonly deafTo = new Set<SnMessage["kind"]>();
  /** What CONNECT is answered with. */
  connackCode = 0;
  subackCode = 0;
  readonly #socket: Socket;
  readonly #nodes = new Map<string, Node>();
  #wake: (() => void)[] = [];
  #messageId = 0;

  private constructor(family: "udp4" | "udp6") {
    this.#socket = createSocket(family);
  }

  static async start(t: TestContext, address = "127.0.0.1"): Promise<FakeSnGateway> {
    const gateway = new FakeSnGateway(address.includes(":") ? "udp6" : "udp4");
    const socket = gateway.#socket;
    await new Promise<void>((resolve) => socket.bind(0, address, resolve));
    socket.on("message", (bytes, remote) => gateway.#receive(new Uint8Array(bytes), remote));
    t.after(() => new Promise<void>((resolve) => socket.close(() => resolve())));
    return gateway;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** The messages of one kind. */
  all<const K extends SnMessage["kind"]>(kind: K): SnMessageOf<K>[] {
    return this.heard.filter((message) => message.kind === kind) as never;
  }

  async until(test: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!test()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the gateway did not hear ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Publishes to all who subscribed to `topic`; those asleep get it when they wake. */
  publish(topic: string, payload: string, qos: 0 | 1 | 2 = 0): void {
    this.#route(topic, new TextEncoder().encode(payload), qos);
  }

  /** Tells every node that it is not known. */
  disconnectAll(): void {
    for (const node of this.#nodes.values()) {
      this.#send(node, { kind: "disconnect", duration: undefined });
    }
    this.#nodes.clear();
  }

  #receive(bytes: Uint8Array, remote: RemoteInfo): void {
    const outer = decodeMessage(bytes);
    const wirelessNodeId = outer.kind === "encapsulated" ? outer.wirelessNodeId : undefined;
    const message = outer.kind === "encapsulated" ? decodeMessage(outer.message) : outer;
    if (message.kind === "fault") throw new Error(message.detail);
    const key = `${remote.address} ${remote.port} ${wirelessNodeId ?? ""}`;
    let node = this.#nodes.get(key);
    if (node === undefined) {
      const subscriptions = new Map<string, number>();
      const ids = new Map<number, string>();
      node = { remote, wirelessNodeId, ids, subscriptions, asleep: false, buffered: [] };
      this.#nodes.set(key, node);
    }
    this.heard.push(message);
    if (!this.deafTo.has(message.kind)) this.#answer(node, message);
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }

  #answer(node: Node, message: SnMessage): void {
    switch (message.kind) {
      case "connect":
        node.asleep = false;
        if (message.will) this.#send(node, { kind: "willtopicreq" });
        else this.#send(node, { kind: "connack", returnCode: this.connackCode });
        return;
      case "willtopic":
        this.#send(node, { kind: "willmsgreq" });
        return;
      case "willmsg":
        this.#send(node, { kind: "connack", returnCode: this.connackCode });
        return;
      case "register": {
        const topicId = this.#idOf(node, message.topicName);
        const { messageId } = message;
        this.#send(node, { kind: "regack", topicId, messageId, returnCode: 0 });
        return;
      }
      case "publish":
        this.published.push(
          `${this.#topicOf(node, message)} ${new TextDecoder().decode(message.payload)}`,
        );
        this.#acknowledge(node, message);
        this.#route(this.#topicOf(node, message), message.payload, 0);
        return;
      case "pubrel":
        this.#send(node, { kind: "pubcomp", messageId: message.messageId });
        return;
      case "subscribe":
        this.#subscribe(node, message.topic, message.qos, message.messageId);
        return;
      case "unsubscribe":
        this.#send(node, { kind: "unsuback", messageId: message.messageId });
        return;
      case "pingreq":
        for (const publish of node.buffered.splice(0)) this.#send(node, publish);
        this.#send(node, { kind: "pingresp" });
        return;
      case "searchgw":
        this.#send(node, { kind: "gwinfo", gatewayId: 1, gatewayAddress: new Uint8Array(0) });
        return;
      case "willtopicupd":
        this.#send(node, { kind: "willtopicresp", returnCode: 0 });
        return;
      case "willmsgupd":
        this.#send(node, { kind: "willmsgresp", returnCode: 0 });
        return;
      case "disconnect":
        node.asleep = message.duration !== undefined;
        this.#send(node, { kind: "disconnect", duration: undefined });
        return;
      default:
        return;
    }
  }

  #acknowledge(node: Node, { qos, topicId, messageId }: Publish): void {
    if (qos === 1) this.#send(node, { kind: "puback", topicId, messageId, returnCode: 0 });
    if (qos === 2) this.#send(node, { kind: "pubrec", messageId });
  }

  #subscribe(node: Node, topic: TopicReference, qos: number, messageId: number): void {
    const name = topic.type === "predefined" ? `predefined ${topic.topicId}` : topic.name;
    node.subscriptions.set(name, qos);
    const topicId = topic.type === "name" ? this.#idOf(node, name) : 0;
    this.#send(node, {
      kind: "suback",
      qos: qos as 0 | 1 | 2,
      topicId,
      messageId,
      returnCode: this.subackCode,
    });
  }

  #route(topic: string, payload: Uint8Array, qos: 0 | 1 | 2): void {
    for (const node of this.#nodes.values()) {
      if (!node.subscriptions.has(topic)) continue;
      const [, predefined] = /^predefined (\d+)$/.exec(topic) ?? [];
      const publish: Publish = {
        kind: "publish",
        dup: false,
        qos,
        retain: false,
        topicIdType: predefined === undefined ? "normal" : "predefined",
        topicId: predefined === undefined ? this.#idOf(node, topic) : Number(predefined),
        messageId: qos === 0 ? 0 : ++this.#messageId,
        payload: payload.slice(),
      };
      if (node.asleep) node.buffered.push(publish);
      else this.#send(node, publish);
    }
  }

  #topicOf(node: Node, { topicIdType, topicId }: Publish): string {
    if (topicIdType === "predefined") return `predefined ${topicId}`;
    if (topicIdType === "short") return shortTopicName(topicId) ?? "?";
    return node.ids.get(topicId) ?? "?";
  }

  #idOf(node: Node, name: string): number {
    for (const [id, known] of node.ids) if (known === name) return id;
    const id = node.ids.size + 1;
    node.ids.set(id, name);
    return id;
  }

  #send({ remote, wirelessNodeId }: Node, message: SnMessage): void {
    const writer = new ByteWriter();
    encodeMessage(writer, message);
    const inner = writer.copy();
    if (wirelessNodeId !== undefined) {
      writer.clear();
      encodeMessage(writer, { kind: "encapsulated", radius: 0, wirelessNodeId, message: inner });
    }
    this.#socket.send(writer.copy(), remote.port, remote.address);
  }
}
