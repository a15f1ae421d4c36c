/** The server's end of a client's connection in memory: sees the client's packets, answers by script. */
import { ByteWriter } from "../../src/bytes/byte-writer.ts";
import { encodePacket } from "../../src/mqtt/encode.ts";
import { PacketStream } from "../../src/mqtt/packet-stream.ts";
import type { Packet, ProtocolLevel } from "../../src/mqtt/packets.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import type { QoS } from "../../src/mqtt/qos.ts";
import { MemoryWire } from "./memory-wire.ts";

export class ServerEnd {
  /** Called when the client has dealt with what was sent to it. */
  afterwards: () => void = () => {};
  readonly wire = new MemoryWire("remote:1883");
  readonly #stream = new PacketStream({ maximumPacketSize: 268_435_460, role: "server" });
  readonly #level: ProtocolLevel;

  constructor(level: ProtocolLevel = 4) {
    this.#level = level;
  }

  /** Everything that the client has sent since the last call. */
  take(): Packet[] {
    const packets: Packet[] = [];
    const fault = this.#stream.feed(this.wire.take(), (packet) =>
      packets.push(
        packet.kind === "publish" ? { ...packet, payload: packet.payload.slice() } : packet,
      ),
    );
    if (fault !== undefined) throw new Error(fault.detail);
    return packets;
  }

  /** The same in short: "publish t=x q1 #1", "subscribe t q1 #1", "puback #1", "disconnect rc130". */
  told(): string[] {
    return this.take().map(inShort);
  }

  send(...packets: readonly Packet[]): void {
    const writer = new ByteWriter();
    for (const packet of packets) encodePacket(writer, packet, this.#level);
    this.wire.arrive(writer.copy());
    this.afterwards();
  }

  connack(sessionPresent = false, returnCode = 0, properties?: Properties): void {
    this.send({ kind: "connack", sessionPresent, returnCode, properties });
  }

  publish(
    topic: string,
    text: string,
    qos: QoS = 0,
    packetId = 0,
    flags: { retain?: boolean; dup?: boolean; properties?: Properties } = {},
  ): void {
    const payload = new TextEncoder().encode(text);
    const { retain = false, dup = false, properties } = flags;
    this.send({ kind: "publish", topic, payload, qos, packetId, retain, dup, properties });
  }

  /** Grants what the client has asked for and acknowledges what it has published; answers what that was. */
  answer(): string[] {
    const packets = this.take();
    for (const packet of packets) {
      if (packet.kind === "subscribe") {
        this.send({
          kind: "suback",
          packetId: packet.packetId,
          codes: packet.subscriptions.map(({ qos }) => qos),
        });
      } else if (packet.kind === "unsubscribe") {
        const codes = packet.filters.map(() => 0);
        this.send({ kind: "unsuback", packetId: packet.packetId, codes });
      } else if (packet.kind === "publish" && packet.qos === 1) {
        this.send({ kind: "puback", packetId: packet.packetId });
      } else if (packet.kind === "publish" && packet.qos === 2) {
        this.send({ kind: "pubrec", packetId: packet.packetId });
      } else if (packet.kind === "pubrel") {
        this.send({ kind: "pubcomp", packetId: packet.packetId });
      }
    }
    return packets.map(inShort);
  }
}

export function inShort(packet: Packet): string {
  const id = "packetId" in packet && packet.packetId > 0 ? ` #${packet.packetId}` : "";
  switch (packet.kind) {
    case "publish": {
      const marks = `${packet.qos > 0 ? ` q${packet.qos}` : ""}${packet.retain ? " retain" : ""}${packet.dup ? " dup" : ""}`;
      return `publish ${packet.topic}=${new TextDecoder().decode(packet.payload)}${marks}${id}`;
    }
    case "subscribe":
      return `subscribe ${packet.subscriptions.map(({ filter, qos }) => `${filter} q${qos}`).join(" ")}${id}`;
    case "unsubscribe":
      return `unsubscribe ${packet.filters.join(" ")}${id}`;
    default: {
      const reason = "reasonCode" in packet ? packet.reasonCode : undefined;
      return `${packet.kind}${id}${reason === undefined ? "" : ` rc${reason}`}`;
    }
  }
}
