/** Prints the packets of a connection as `mosquitto_pub -d` does, by reading along on its wire. */
import { ByteWriter } from "../bytes/byte-writer.ts";
import { PacketStream } from "../mqtt/packet-stream.ts";
import type { Packet, ProtocolLevel, SubscriptionRequest } from "../mqtt/packets.ts";
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
export function tracedEnd(
  end: WireEnd,
  level: ProtocolLevel,
  show: (packet: Packet) => void,
): WireEnd {
  const options = { maximumPacketSize: LONGEST_PACKET, role: "client", level } as const;
  const received = new PacketStream(options);
  return {
    receive(bytes) {
      received.feed(bytes, show);
      end.receive(bytes);
    },
    drained: () => end.drained(),
    closed: (cause) => end.closed(cause),
  };
}

/** The packets of one connection in Mosquitto's words. */
export class PacketTrace {
  #clientId: string;
  /** The last message identifier; Mosquitto's clients number QoS 0 messages, too. */
  #last = 0;

  constructor(clientId: string) {
    this.#clientId = clientId;
  }

  /** One packet, a line for each topic filter. */
  lines(packet: Packet, sent: boolean): string[] {
    if (packet.kind === "connack") {
      this.#clientId = packet.properties?.assignedClientIdentifier ?? this.#clientId;
    }
    if (packet.kind === "disconnect" && !sent) {
      return [`Received DISCONNECT (${packet.reasonCode ?? 0})`];
    }
    if (sent && "packetId" in packet && packet.packetId > this.#last) this.#last = packet.packetId;
    const name = this.#clientId === "" ? "(null)" : this.#clientId;
    const who = `Client ${name} ${sent ? "sending" : "received"}`;
    return this.#details(packet, sent).map(
      (detail) => `${who} ${packet.kind.toUpperCase()}${detail}`,
    );
  }

  #details(packet: Packet, sent: boolean): string[] {
    switch (packet.kind) {
      case "connack":
        return [` (${packet.returnCode})`];
      case "publish": {
        const { dup, qos, retain, packetId, topic, payload } = packet;
        const id = sent && qos === 0 ? ++this.#last : packetId;
        const flags = `d${dup ? 1 : 0}, q${qos}, r${retain ? 1 : 0}, m${id}`;
        const name = topic === "" ? "(null)" : topic;
        return [` (${flags}, '${name}', ... (${payload.length} bytes))`];
      }
      case "subscribe":
        return packet.subscriptions.map(
          (subscription) =>
            ` (Mid: ${packet.packetId}, Topic: ${subscription.filter}, ${options(subscription)})`,
        );
      case "unsubscribe":
        return packet.filters.map((filter) => ` (Mid: ${packet.packetId}, Topic: ${filter})`);
      case "puback":
      case "pubrec":
      case "pubrel":
      case "pubcomp":
        return [sent ? sentAck(packet) : receivedAck(packet)];
      default:
        return [""];
    }
  }
}

type Ack = Packet & { kind: "puback" | "pubrec" | "pubrel" | "pubcomp" };

function sentAck({ kind, packetId, reasonCode = 0 }: Ack): string {
  return kind === "puback" || kind === "pubrec"
    ? ` (m${packetId}, rc${reasonCode})`
    : ` (m${packetId})`;
}

function receivedAck({ kind, packetId, reasonCode = 0 }: Ack): string {
  const final = kind === "puback" || kind === "pubcomp";
  return final ? ` (Mid: ${packetId}, RC:${reasonCode})` : ` (Mid: ${packetId})`;
}

function options({
  qos,
  noLocal,
  retainAsPublished,
  retainHandling = 0,
}: SubscriptionRequest): string {
  const bits = (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4);
  return `QoS: ${qos}, Options: 0x${bits.toString(16).padStart(2, "0")}`;
}
