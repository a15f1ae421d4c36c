/** A door to another broker whose end of each connection is played by the test. */
import type { ConnectPacket, ProtocolLevel } from "../../src/mqtt/packets.ts";
import type { QoS } from "../../src/mqtt/qos.ts";
import type { ReasonCode } from "../../src/mqtt/reason-codes.ts";
import type { Client, Door, Opening, Peer } from "../../src/seams/door.ts";
import { Message } from "../../src/seams/message.ts";
import { type UpstreamOptions, upstreamOptions } from "../../src/upstream/options.ts";
import { KeptLog } from "./kept-log.ts";
import { MemoryDialler } from "./memory-dialler.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { ServerEnd } from "./server-end.ts";
import { VirtualClock } from "./virtual-clock.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a node would be told, in short. */
export class RecordingPeer implements Peer {
  readonly told: string[] = [];

  deliver(message: Message, qos: QoS, retain: boolean, dup: boolean, packetId: number): void {
    const marks = `${qos > 0 ? ` q${qos} #${packetId}` : ""}${retain ? " retain" : ""}${dup ? " dup" : ""}`;
    this.told.push(`${message.topic}=${decoder.decode(message.payload)}${marks}`);
  }

  release(packetId: number): void {
    this.told.push(`release #${packetId}`);
  }

  published(packetId: number, reason?: ReasonCode): void {
    this.told.push(`published #${packetId}${reason ? ` 0x${reason.toString(16)}` : ""}`);
  }

  completed(packetId: number): void {
    this.told.push(`completed #${packetId}`);
  }

  evicted(reason: ReasonCode): void {
    this.told.push(`evicted 0x${reason.toString(16)}`);
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

export function message(topic: string, text: string, qos: QoS = 0, retain = false): Message {
  return new Message(topic, encoder.encode(text), qos, retain);
}

/** MemoryDialler makes ends of MQTT 3.1.1; these may be of 5.0. */
class LevelledDialler extends MemoryDialler {
  level: ProtocolLevel = 4;

  override accept(): ServerEnd {
    const made = super.accept();
    if (this.level !== 5) return made;
    const server = new ServerEnd(5);
    Object.defineProperty(server, "wire", { value: made.wire });
    return server;
  }
}

export class UpstreamStand {
  readonly clock = new VirtualClock();
  readonly dialler = new LevelledDialler();
  readonly log = new KeptLog();
  readonly disk: MemoryDisk;
  readonly options: UpstreamOptions;
  /** What went to this process's own broker. */
  readonly announced: string[] = [];

  constructor(options: Partial<UpstreamOptions> = {}, disk = new MemoryDisk()) {
    this.disk = disk;
    this.dialler.level = options.level ?? 4;
    this.options = upstreamOptions({
      name: "mqtt://up",
      target: { host: "up", port: 1883 },
      level: 4,
      ...options,
    });
  }

  get parts() {
    const { clock, dialler, log, options } = this;
    return {
      dialler,
      clock,
      scheduler: clock.scheduler,
      random: () => 0,
      log,
      options,
      announce: (topic: string) => void this.announced.push(topic),
    };
  }

  /** The next attempt to connect succeeds, up to CONNACK; answers CONNECT, too. */
  accept(sessionPresent = false, returnCode = 0): { server: ServerEnd; connect: ConnectPacket } {
    const server = this.dialler.accept();
    const [connect] = server.take();
    if (connect?.kind !== "connect") throw new Error("no CONNECT");
    server.connack(sessionPresent, returnCode);
    return { server, connect };
  }
}

export function opening(clientId: string, more: Partial<Opening> = {}): Opening {
  return {
    clientId,
    cleanStart: false,
    persistent: true,
    clean: false,
    origin: "mqtt-sn",
    remote: "udp/1.2.3.4:5",
    link: "udp",
    receiveMaximum: 1,
    queueQos0: true,
    ...more,
  };
}

export interface Entered {
  readonly client: Client;
  readonly peer: RecordingPeer;
  /** What `whenAdmitted` has said: "in", or the refusal; undefined before. */
  admission(): string | undefined;
}

export function enter(door: Door, clientId: string, more: Partial<Opening> = {}): Entered {
  const peer = new RecordingPeer();
  const entry = door.enter(opening(clientId, more), peer);
  if (!entry.ok) throw new Error(`refused with ${entry.reason}`);
  let said: string | undefined;
  entry.client.whenAdmitted?.((refusal) => {
    said = refusal === undefined ? "in" : `0x${refusal.toString(16)}`;
  });
  return { client: entry.client, peer, admission: () => said };
}

/** Asks for a subscription; answers what was said so far. */
export function ask(client: Client, filter: string, qos: QoS = 0): () => string | undefined {
  let said: string | undefined;
  client.askSubscription?.(filter, qos, (outcome) => {
    said = outcome < 0x80 ? `granted ${outcome}` : `0x${outcome.toString(16)}`;
    if (outcome < 0x80) client.deliverRetained(filter, qos);
  });
  return () => said;
}
