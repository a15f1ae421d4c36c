/** Packets as debug lines, in Mosquitto's words, for who follows a conversation in the log. */
import type { Packet } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Will } from "../seams/door.ts";

/** A packet that came from a client; empty for those that other lines tell of. */
export function receivedLines(clientId: string, packet: Packet): readonly string[] {
  const said = `Received ${packet.kind.toUpperCase()} from ${clientId}`;
  switch (packet.kind) {
    case "publish": {
      const { topic, payload, qos, retain, dup, packetId } = packet;
      return [`${said} (${publishWords(topic, payload.length, qos, retain, dup, packetId)})`];
    }
    case "puback":
    case "pubcomp":
      return [`${said} (Mid: ${packet.packetId}, RC:${packet.reasonCode ?? 0})`];
    case "pubrec":
    case "pubrel":
      return [`${said} (Mid: ${packet.packetId})`];
    case "subscribe":
      return [said, ...packet.subscriptions.map(({ filter, qos }) => `\t${filter} (QoS ${qos})`)];
    case "unsubscribe":
      return [said, ...packet.filters.map((filter) => `\t${filter}`)];
    default:
      return packet.kind === "connect" ? [] : [said];
  }
}

/** A packet that goes to a client. */
export function sentLine(clientId: string, packet: Packet): string {
  const said = `Sending ${packet.kind.toUpperCase()} to ${clientId}`;
  switch (packet.kind) {
    case "connack":
      return `${said} (${packet.sessionPresent ? 1 : 0}, ${packet.returnCode})`;
    case "puback":
    case "pubrec":
      return `${said} (m${packet.packetId}, rc${packet.reasonCode ?? 0})`;
    case "pubrel":
    case "pubcomp":
      return `${said} (m${packet.packetId})`;
    case "disconnect":
      return `${said} (rc${packet.reasonCode ?? 0})`;
    default:
      return said;
  }
}

/** A message that goes to a client. */
export function sentPublishLine(
  clientId: string,
  topic: string,
  size: number,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetId: number,
): string {
  return `Sending PUBLISH to ${clientId} (${publishWords(topic, size, qos, retain, dup, packetId)})`;
}

/** What a client wants published when it is lost. */
export function willLines(will: Will | undefined): readonly string[] {
  if (will === undefined) return ["No will message specified."];
  const { topic, payload, qos, retain } = will;
  return [
    `Will message specified (${payload.length} bytes) (r${retain ? 1 : 0}, q${qos}).`,
    `\t${topic}`,
  ];
}

function publishWords(
  topic: string,
  size: number,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetId: number,
): string {
  const flags = `d${dup ? 1 : 0}, q${qos}, r${retain ? 1 : 0}, m${packetId}`;
  return `${flags}, '${topic}', ... (${size} bytes)`;
}
