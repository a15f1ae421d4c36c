/** Prints the packets of a connection as `mosquitto_pub -d` does, by reading along on its wire. */
import { ByteWriter } from "../bytes/byte-writer.ts";
import { PacketStream } from "../mqtt/packet-stream.ts";
import type { Packet } from "../mqtt/packets.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";

const LONGEST_PACKET = 268_435_460;

/** A wire in front of another one that shows what goes out over it. */
export class TracedWire implements Wire {
  readonly output = new ByteWriter();
  readonly #wire: Wire;
  readonly #show: (packet: Packet) => void;
  readonly #sent = new PacketStream({ maximumPacketSize: LONGEST_PACKET, role: "server" });

  constructor(wire: Wire, show: (packet: Packet) => void) {
    this.#wire = wire;
    this.#show = show;
  }

  get remote(): string {
    return this.#wire.remote;
  }

  get address(): string {
    return this.#wire.address;
  }

  get backlog(): number {
    return this.#wire.backlog + this.output.length;
  }

  flush(): void {
    const bytes = this.output.view();
    this.#sent.feed(bytes, this.#show);
    this.#wire.output.raw(bytes);
    this.output.clear();
    this.#wire.flush();
  }

  close(): void {
    this.#wire.close();
  }
}

/** Shows what comes in to `end`, before it gets it. */
export function tracedEnd(end: WireEnd, show: (packet: Packet) => void): WireEnd {
  const received = new PacketStream({ maximumPacketSize: LONGEST_PACKET, role: "client" });
  return {
    receive(bytes) {
      received.feed(bytes, show);
      end.receive(bytes);
    },
    drained: () => end.drained(),
    closed: (cause) => end.closed(cause),
  };
}

/** One packet as Mosquitto's clients print it, a line for each topic filter. */
export function packetLines(packet: Packet, sent: boolean, clientId: string): string[] {
  const who = `Client ${clientId === "" ? "(null)" : clientId} ${sent ? "sending" : "received"}`;
  return details(packet, sent).map((detail) => `${who} ${packet.kind.toUpperCase()}${detail}`);
}

function details(packet: Packet, sent: boolean): string[] {
  switch (packet.kind) {
    case "connack":
      return [` (${packet.returnCode})`];
    case "publish": {
      const { dup, qos, retain, packetId, topic, payload } = packet;
      const flags = `d${dup ? 1 : 0}, q${qos}, r${retain ? 1 : 0}, m${packetId}`;
      return [` (${flags}, '${topic}', ... (${payload.length} bytes))`];
    }
    case "subscribe":
      return packet.subscriptions.map(
        ({ filter, qos }) =>
          ` (Mid: ${packet.packetId}, Topic: ${filter}, QoS: ${qos}, Options: 0x00)`,
      );
    case "unsubscribe":
      return packet.filters.map((filter) => ` (Mid: ${packet.packetId}, Topic: ${filter})`);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return [sent ? ` (m${packet.packetId})` : ` (Mid: ${packet.packetId})`];
    default:
      return [""];
  }
}
