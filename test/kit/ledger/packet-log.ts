/** All packets that the clients of a long run send and receive, a line each, in a file. */
import { appendFileSync, readFileSync } from "node:fs";
import type { Packet } from "../../../src/mqtt/packets.ts";
import { describeMessage } from "../../../src/mqttsn/describe.ts";
import type { SnMessage } from "../../../src/mqttsn/packets.ts";

/** Lines that are written to the file at a time. */
const PAGE = 2000;
/** A payload's beginning tells which message it is, characters. */
const SHOWN = 12;

export class PacketLog {
  readonly file: string;
  readonly #began = performance.now();
  #lines: string[] = [];

  constructor(file: string) {
    this.file = file;
  }

  /** Seconds since the run began. */
  get time(): number {
    return (performance.now() - this.#began) / 1000;
  }

  /** `who`: a client, or what was done to all of them. */
  note(who: string, what: string): void {
    this.#lines.push(`${this.time.toFixed(4)} ${who} ${what}`);
    if (this.#lines.length >= PAGE) this.flush();
  }

  packet(who: string, way: "<" | ">", packet: Packet): void {
    this.note(who, `${way} ${describe(packet)}`);
  }

  message(who: string, way: "<" | ">", message: SnMessage): void {
    this.note(who, `${way} ${describeMessage(message)}`);
  }

  flush(): void {
    if (this.#lines.length === 0) return;
    appendFileSync(this.file, `${this.#lines.join("\n")}\n`);
    this.#lines = [];
  }

  /** The first lines in which this stands as words of their own. */
  linesWith(words: string, most: number): string[] {
    this.flush();
    const found: string[] = [];
    for (const line of readFileSync(this.file, "utf8").split("\n")) {
      if (!`${line} `.includes(` ${words} `)) continue;
      found.push(line);
      if (found.length === most) break;
    }
    return found;
  }
}

const decoder = new TextDecoder();

/** The packet in a few words; of a payload the number that it begins with. */
function describe(packet: Packet): string {
  switch (packet.kind) {
    case "publish": {
      const { qos, retain, dup, packetId, topic, payload } = packet;
      const flags = `${retain ? " retain" : ""}${dup ? " dup" : ""}`;
      const [number = ""] = decoder.decode(payload.subarray(0, SHOWN)).split(" ");
      return `PUBLISH m${packetId} q${qos}${flags} ${topic} ${number}`;
    }
    case "connect":
      return `CONNECT level ${packet.level}${packet.cleanStart ? " clean" : ""}`;
    case "connack":
      return `CONNACK ${packet.returnCode}${packet.sessionPresent ? " present" : ""}`;
    case "subscribe": {
      const wanted = packet.subscriptions.map(({ filter, qos }) => `${filter} q${qos}`);
      return `SUBSCRIBE m${packet.packetId} ${wanted.join(" ")}`;
    }
    case "unsubscribe":
      return `UNSUBSCRIBE m${packet.packetId} ${packet.filters.join(" ")}`;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp": {
      const reason = packet.reasonCode ? ` ${packet.reasonCode}` : "";
      return `${packet.kind.toUpperCase()} m${packet.packetId}${reason}`;
    }
    case "suback":
    case "unsuback":
      return `${packet.kind.toUpperCase()} m${packet.packetId} ${packet.codes?.join(" ") ?? ""}`;
    case "disconnect":
      return `DISCONNECT ${packet.reasonCode ?? 0}`;
    default:
      return packet.kind.toUpperCase();
  }
}
