/** Watches one connection of MQTT 5.0 from the client's end: what the server sends must keep to what was agreed on. */
import assert from "node:assert/strict";
import type { Packet, PublishPacket } from "../../src/mqtt/packets.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import { isTopicName } from "../../src/topics/names.ts";

export class Obedience {
  readonly #limits: Properties;
  readonly #aliases = new Map<number, string>();
  /** QoS of what is on its way to the client, by packet identifier. */
  readonly #onTheirWay = new Map<number, number>();
  #connected = false;
  #over = false;

  /** `limits` are those of the client's CONNECT. */
  constructor(limits: Properties) {
    this.#limits = limits;
  }

  /** The client is about to send this. */
  sending(packet: Packet): void {
    if (packet.kind === "puback" && this.#onTheirWay.get(packet.packetId) === 1) {
      this.#onTheirWay.delete(packet.packetId);
    }
    const refused = packet.kind === "pubrec" && (packet.reasonCode ?? 0) >= 0x80;
    if ((packet.kind === "pubcomp" || refused) && this.#onTheirWay.get(packet.packetId) === 2) {
      this.#onTheirWay.delete(packet.packetId);
    }
  }

  /** The server has sent this, in so many bytes. */
  received(packet: Packet): void {
    assert.equal(this.#over, false, `${packet.kind} after the end`);
    if (packet.kind === "connack") {
      assert.equal(this.#connected, false, "a second CONNACK");
      this.#connected = true;
      this.#over = packet.returnCode >= 0x80;
      return;
    }
    assert.equal(this.#connected, true, `${packet.kind} before CONNACK`);
    if (packet.kind === "disconnect") this.#over = true;
    if (packet.kind === "publish") this.#publish(packet);
  }

  /** The bytes that have come in one packet. */
  measured(bytes: number): void {
    const { maximumPacketSize = Infinity } = this.#limits;
    assert.ok(bytes <= maximumPacketSize, `a packet of ${bytes} bytes`);
  }

  #publish({ topic, qos, packetId, dup, properties }: PublishPacket): void {
    const { receiveMaximum = 65_535, topicAliasMaximum = 0 } = this.#limits;
    const alias = properties?.topicAlias;
    if (alias !== undefined) {
      assert.ok(alias <= topicAliasMaximum, `topic alias ${alias}`);
      if (topic !== "") this.#aliases.set(alias, topic);
    }
    const name = topic === "" ? this.#aliases.get(alias ?? 0) : topic;
    assert.ok(name !== undefined && isTopicName(name, 65_536), `topic ${name}`);
    if (qos === 0) return;
    assert.equal(this.#onTheirWay.has(packetId), false, `identifier ${packetId} is in use`);
    assert.ok(dup || !this.#onTheirWay.has(packetId));
    this.#onTheirWay.set(packetId, qos);
    assert.ok(this.#onTheirWay.size <= receiveMaximum, `${this.#onTheirWay.size} on their way`);
  }
}
