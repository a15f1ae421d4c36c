/**
 * MQTT 5.0 side by side with Mosquitto: the same clients send the same packets to both brokers, and
 * get the same back.
 *
 * Left out is where the two are meant to differ: limits in CONNACK, the reason code of PUBREC when
 * nobody subscribes, PUBCOMP for what is not known, topic aliases of the broker's own, QoS 0 that
 * overtakes what waits in the queue, and reasons of DISCONNECT that Mosquitto 2.0 chooses otherwise than
 * the specification and Mosquitto 2.1.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ConnectPacket, Packet, SubscriptionRequest } from "../../src/mqtt/packets.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import type { QoS } from "../../src/mqtt/qos.ts";
import { startMidge, startMosquitto } from "../kit/processes.ts";
import { dialRaw, type RawPeer } from "../kit/raw-peer.ts";
import { connectPacket } from "../kit/test-broker.ts";

/** What answers a packet; a broker that keeps messages safe may take its time over it. */
const ANSWERS: Readonly<Partial<Record<Packet["kind"], Packet["kind"]>>> = {
  pubrel: "pubcomp",
  subscribe: "suback",
  unsubscribe: "unsuback",
};

function answerTo(packet: Packet): Packet["kind"] | undefined {
  if (packet.kind === "publish") return [undefined, "puback", "pubrec"][packet.qos] as "puback";
  if (packet.kind === "pubrec" && (packet.reasonCode ?? 0) < 0x80) return "pubrel";
  return ANSWERS[packet.kind];
}

/** One broker and its clients, and all that these have seen. */
class Stage {
  readonly #t: TestContext;
  readonly #port: number;
  readonly #peers = new Map<string, RawPeer>();
  /** By client, in its own order. */
  readonly seen: Record<string, unknown[]> = {};

  constructor(t: TestContext, port: number) {
    this.#t = t;
    this.#port = port;
  }

  async connect(
    name: string,
    properties: Properties = {},
    fields: Partial<ConnectPacket> = {},
  ): Promise<void> {
    const peer = await dialRaw(this.#t, this.#port);
    peer.send(connectPacket(name, { level: 5, properties, ...fields }));
    const connack = await peer.next();
    this.#peers.set(name, peer);
    if (connack?.kind !== "connack") throw new Error(`${name}: ${connack?.kind}`);
    this.#note(name, `connack ${connack.sessionPresent} ${connack.returnCode}`);
    await this.#settle(name);
  }

  /** One client sends packets; then all that the clients have got is noted. */
  async send(name: string, ...packets: Packet[]): Promise<void> {
    const peer = this.#peer(name);
    for (const packet of packets) {
      peer.send(packet);
      const answer = answerTo(packet);
      if (answer !== undefined) await peer.until(answer);
    }
    await this.#settle(name);
  }

  async subscribe(name: string, request: SubscriptionRequest, identifier?: number): Promise<void> {
    const properties = identifier === undefined ? {} : { subscriptionIdentifiers: [identifier] };
    await this.send(name, { kind: "subscribe", packetId: 1, subscriptions: [request], properties });
  }

  async publish(
    name: string,
    topic: string,
    payload: string,
    qos: QoS = 0,
    retain = false,
    properties?: Properties,
  ): Promise<void> {
    const bytes = new TextEncoder().encode(payload);
    const packetId = qos === 0 ? 0 : 7;
    await this.send(name, {
      kind: "publish",
      topic,
      payload: bytes,
      qos,
      retain,
      dup: false,
      packetId,
      properties,
    });
  }

  async break(name: string): Promise<void> {
    await this.#peer(name).break();
    this.#peers.delete(name);
    await this.#settle();
  }

  #peer(name: string): RawPeer {
    const peer = this.#peers.get(name);
    if (peer === undefined) throw new Error(`there is no client ${name}`);
    return peer;
  }

  /** The one that has sent first, since what it has sent reaches the others before its PINGRESP. */
  async #settle(first?: string): Promise<void> {
    const names = [...this.#peers.keys()].sort();
    for (const name of first === undefined ? names : [first, ...names.filter((n) => n !== first)]) {
      const peer = this.#peer(name);
      for (const packet of await peer.settle()) this.#note(name, comparable(packet));
      if (!peer.closed) continue;
      this.#note(name, "closed");
      this.#peers.delete(name);
    }
  }

  #note(name: string, what: unknown): void {
    this.seen[name] = [...(this.seen[name] ?? []), what];
  }
}

/** Without the differences between an empty list of properties and none, and with readable payloads. */
function comparable(packet: Packet): unknown {
  if (packet.kind !== "publish") return packet;
  const { payload, properties, ...rest } = packet;
  return { ...rest, payload: new TextDecoder().decode(payload), properties: properties ?? {} };
}

/** Plays a script on both brokers and compares what the clients have seen. */
function alike(name: string, script: (stage: Stage) => Promise<void>): void {
  test(name, async (t) => {
    const [midge, mosquitto] = await Promise.all([startMidge(t), startMosquitto(t)]);
    const ours = new Stage(t, midge.mqttPort);
    const theirs = new Stage(t, mosquitto.port);
    await script(theirs);
    await script(ours);
    assert.ok(Object.values(theirs.seen).flat().length > 5);
    assert.deepEqual(ours.seen, theirs.seen);
  });
}

alike("the QoS exchanges, both ways", async (stage) => {
  await stage.connect("a");
  await stage.connect("b");
  await stage.subscribe("b", { filter: "t", qos: 2 });
  for (const qos of [0, 1, 2] as const) await stage.publish("a", "t", `${qos}`, qos);
  await stage.send("a", { kind: "pubrel", packetId: 7 });
  await stage.send("b", { kind: "puback", packetId: 1 }, { kind: "pubrec", packetId: 2 });
  await stage.send("b", { kind: "pubcomp", packetId: 2 });
  await stage.publish("a", "nobody", "x", 1);
  await stage.publish("a", "$SYS/x", "x", 1);
});

alike("identifiers of overlapping subscriptions, and their removal", async (stage) => {
  await stage.connect("a");
  await stage.connect("b");
  await stage.subscribe("b", { filter: "t/a", qos: 1 }, 3);
  await stage.publish("a", "t/a", "1", 1);
  await stage.send("b", { kind: "puback", packetId: 1 });
  await stage.subscribe("b", { filter: "t/a", qos: 0 });
  await stage.publish("a", "t/a", "2", 1);
  await stage.send("b", { kind: "unsubscribe", packetId: 2, filters: ["t/a", "t/none"] });
  await stage.publish("a", "t/a", "3");
});

alike("retained messages: handling, as published, removal", async (stage) => {
  await stage.connect("a");
  await stage.connect("b");
  const properties = { contentType: "text", userProperties: [["a", "b"]] } as const;
  await stage.publish("a", "t", "1", 1, true, properties);
  for (const retainHandling of [0, 1, 2] as const) {
    await stage.subscribe("b", { filter: "t", qos: 0, retainHandling });
  }
  // Mosquitto 2.0 does not take the options of a subscription that it has already.
  await stage.connect("c");
  await stage.subscribe("c", { filter: "t", qos: 0, retainAsPublished: true, retainHandling: 2 });
  await stage.publish("a", "t", "2", 0, true);
  await stage.publish("a", "t", "", 0, true);
  await stage.subscribe("b", { filter: "t", qos: 0 });
});

alike("no local", async (stage) => {
  await stage.connect("a");
  await stage.connect("b");
  await stage.subscribe("a", { filter: "t", qos: 1, noLocal: true });
  await stage.publish("a", "t", "own", 1);
  await stage.publish("b", "t", "foreign", 1);
});

alike("sessions, redelivery, and what is queued meanwhile", async (stage) => {
  const kept = { sessionExpiryInterval: 100 };
  await stage.connect("a");
  await stage.connect("b", kept);
  await stage.subscribe("b", { filter: "t", qos: 2 });
  await stage.publish("a", "t", "1", 1);
  await stage.publish("a", "t", "2", 2);
  await stage.send("a", { kind: "pubrel", packetId: 7 });
  await stage.send("b", { kind: "pubrec", packetId: 2 });
  await stage.break("b");
  await stage.publish("a", "t", "3", 1, false, { messageExpiryInterval: 1000 });
  await stage.publish("a", "t", "lost", 0);
  await stage.connect("b", kept, { cleanStart: false });
  await stage.send("b", { kind: "puback", packetId: 1 }, { kind: "pubcomp", packetId: 2 });
  await stage.send("b", { kind: "puback", packetId: 3 });
  await stage.break("b");
  await stage.connect("b", kept, { cleanStart: false });
  await stage.break("b");
  await stage.connect("b", {}, { cleanStart: true });
});

alike("a window of one, and a client that takes short packets only", async (stage) => {
  await stage.connect("a");
  await stage.connect("b", { receiveMaximum: 1, maximumPacketSize: 40 });
  await stage.subscribe("b", { filter: "t", qos: 1 });
  await stage.publish("a", "t", "1", 1);
  await stage.publish("a", "t", "2", 1);
  await stage.send("b", { kind: "puback", packetId: 1 });
  await stage.publish("a", "t", "x".repeat(100), 0);
});

alike("wills: lost, normal, with DISCONNECT 0x04, taken over", async (stage) => {
  const properties = { contentType: "text", userProperties: [["a", "b"]] } as const;
  const payload = new TextEncoder().encode("gone");
  const will = { topic: "w", payload, qos: 1, retain: true, properties } as const;
  await stage.connect("a");
  await stage.subscribe("a", { filter: "w", qos: 2 });
  await stage.connect("b", {}, { will });
  await stage.send("b", { kind: "disconnect" });
  await stage.connect("b", {}, { will });
  await stage.send("b", { kind: "disconnect", reasonCode: 0x04 });
  await stage.send("a", { kind: "puback", packetId: 1 });
  await stage.subscribe("a", { filter: "w", qos: 0 });
});

alike("shared subscriptions beside one's own", async (stage) => {
  for (const name of ["a", "b", "c"]) await stage.connect(name);
  await stage.subscribe("b", { filter: "$share/g/t/#", qos: 0 });
  await stage.subscribe("c", { filter: "$share/g/t/#", qos: 0 });
  await stage.subscribe("c", { filter: "t/1", qos: 0 });
  for (const n of [1, 2, 3, 4]) await stage.publish("a", `t/${n}`, `${n}`);
  await stage.send("b", { kind: "unsubscribe", packetId: 2, filters: ["$share/g/t/#"] });
  await stage.publish("a", "t/5", "5");
});

const VIOLATIONS: Readonly<Record<string, Packet>> = {
  "an alias above the maximum": publishTo("t", { topicAlias: 11 }),
  "an ill-formed filter": subscribeTo("t#"),
  "an ill-formed filter to unsubscribe from": { kind: "unsubscribe", packetId: 1, filters: ["#/"] },
};

function publishTo(topic: string, properties?: Properties): Packet {
  const payload = new Uint8Array(1);
  const flags = { qos: 0, retain: false, dup: false, packetId: 0 } as const;
  return { kind: "publish", topic, payload, ...flags, properties };
}

function subscribeTo(filter: string): Packet {
  return { kind: "subscribe", packetId: 1, subscriptions: [{ filter, qos: 0 }] };
}

alike("what violates the protocol ends the connection", async (stage) => {
  for (const packet of Object.values(VIOLATIONS)) {
    await stage.connect("b");
    await stage.send("b", packet);
  }
});
