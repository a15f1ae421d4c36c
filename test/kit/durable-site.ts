/** A real Midge for the durability cases: killed without a word whenever asked, and started again. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ConnectPacket, Packet, SubscriptionRequest } from "../../src/mqtt/packets.ts";
import type { Properties } from "../../src/mqtt/properties.ts";
import type { QoS } from "../../src/mqtt/qos.ts";
import { freePort } from "./ports.ts";
import { type RunningMidge, startMidge, temporaryFolder } from "./processes.ts";
import { RawNode } from "./raw-node.ts";
import { dialRaw, type RawPeer } from "./raw-peer.ts";
import { RemoteEnd } from "./remote-end.ts";
import { inShort } from "./server-end.ts";

/** Long enough for every case, seconds. */
const KEPT = 3600;
/** Nothing here takes longer unless something is broken, ms. */
const PATIENCE = 5000;
/** Nothing more comes after so many looks, ms apart. */
const QUIET_ROUNDS = 4;
const ROUND = 25;

export interface PeerFields extends Partial<Omit<ConnectPacket, "level">> {
  readonly level?: 4 | 5;
  /** Seconds. */
  readonly expiry?: number;
  readonly receiveMaximum?: number;
  readonly port?: number;
}

/** A client that has connected. */
export interface DurablePeer {
  readonly raw: RawPeer;
  readonly sessionPresent: boolean;
}

export interface Publishing {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly properties?: Properties;
}

const encoder = new TextEncoder();
const ADMIN = { username: "admin", password: encoder.encode("secret") };

export class DurableSite {
  readonly remote: RemoteEnd;
  /** Of the listener at which dynamic security decides. */
  readonly guardedPort: number;
  readonly #t: TestContext;
  readonly #more: string;
  #midge: RunningMidge | undefined;
  #publishers = 0;

  private constructor(t: TestContext, remotePort: number, guardedPort: number) {
    this.#t = t;
    this.remote = new RemoteEnd(t, remotePort);
    this.guardedPort = guardedPort;
    const password = join(temporaryFolder(t), "password");
    writeFileSync(password, "secret\n");
    this.#more = configuration(remotePort, guardedPort, password);
  }

  static async start(t: TestContext): Promise<DurableSite> {
    const site = new DurableSite(t, await freePort(), await freePort());
    await site.remote.open();
    site.#midge = await startMidge(t, { more: site.#more });
    return site;
  }

  get #running(): RunningMidge {
    if (this.#midge === undefined) throw new Error("Midge was not started");
    return this.#midge;
  }

  /** Kills it, leaves it so for a while, ms, or until something is done, and starts it again. */
  async kill(down: number | (() => void) = 0): Promise<void> {
    const before = this.#running;
    before.signal("SIGKILL");
    await before.end();
    if (typeof down === "function") down();
    else await new Promise((resolve) => setTimeout(resolve, down));
    this.#midge = await startMidge(this.#t, { like: before, more: this.#more });
  }

  /** Connects, without clean start, to a session that is kept. */
  async peer(clientId: string, fields: PeerFields = {}): Promise<DurablePeer> {
    const { level = 5, expiry = KEPT, receiveMaximum, port = this.#running.mqttPort } = fields;
    const raw = await dialRaw(this.#t, port, level);
    const properties = level === 5 ? { sessionExpiryInterval: expiry, receiveMaximum } : undefined;
    const rest = { cleanStart: false, keepAlive: 0, bridge: false, ...fields };
    raw.send({ ...rest, kind: "connect", clientId, level, properties });
    const { sessionPresent, returnCode } = await raw.expect("connack");
    if (returnCode !== 0) throw new Error(`${clientId} is refused with ${returnCode}`);
    return { raw, sessionPresent };
  }

  /** A client that has subscribed, and is connected. */
  async subscriber(
    clientId: string,
    subscription: SubscriptionRequest,
    fields: PeerFields = {},
  ): Promise<RawPeer> {
    const { raw } = await this.peer(clientId, fields);
    raw.send({ kind: "subscribe", packetId: 1, subscriptions: [subscription] });
    await raw.expect("suback");
    return raw;
  }

  /** A client that has subscribed, and is away. */
  async away(clientId: string, filter: string, qos: QoS, fields: PeerFields = {}): Promise<void> {
    const raw = await this.subscriber(clientId, { filter, qos }, fields);
    await this.leave(raw);
  }

  /** Disconnects in order; resolves when the broker has closed. */
  async leave(raw: RawPeer): Promise<void> {
    raw.send({ kind: "disconnect" });
    while (!raw.closed) await raw.settle();
  }

  /** Publishes as somebody else; resolves when that is acknowledged. */
  async publish(topic: string, text: string, publishing: Publishing = {}): Promise<void> {
    const { raw } = await this.peer(`publisher-${++this.#publishers}`, {
      cleanStart: true,
      expiry: 0,
    });
    const { qos = 1 } = publishing;
    raw.send(publishPacket(topic, text, { ...publishing, qos }));
    if (qos === 1) await raw.expect("puback");
    if (qos < 2) return;
    await raw.expect("pubrec");
    raw.send({ kind: "pubrel", packetId: 1 });
    await raw.expect("pubcomp");
  }

  /** What waits for a client, in short: at least so many messages, and what comes with them. */
  async fetch(clientId: string, atLeast: number, fields: PeerFields = {}): Promise<string[]> {
    const { raw } = await this.peer(clientId, fields);
    const got: string[] = [];
    const deadline = Date.now() + PATIENCE;
    for (let quiet = 0; quiet < QUIET_ROUNDS || got.length < atLeast; quiet++) {
      const packets = await raw.settle();
      for (const packet of packets) {
        got.push(...shown(packet));
        acknowledge(raw, packet);
      }
      if (packets.length > 0) quiet = 0;
      else if (Date.now() > deadline) break;
      // What is told to its recipient only once it is on the disk comes after the answer to a ping.
      else await new Promise((resolve) => setTimeout(resolve, ROUND));
    }
    await this.leave(raw);
    return got;
  }

  /** What is retained, in short, in order of topics. */
  async retained(filter: string): Promise<string[]> {
    const fields = { cleanStart: true, expiry: 0 };
    const raw = await this.subscriber("looks", { filter, qos: 0 }, fields);
    return (await raw.settle()).flatMap(shown).sort();
  }

  node(clientId: string): RawNode {
    return new RawNode(this.#t, this.#running.udpPort, clientId);
  }

  /** Sends a request to a `$CONTROL` topic; answers the response. */
  async control(topic: string, command: object, isGuarded = false): Promise<string> {
    const place = isGuarded ? { port: this.guardedPort, ...ADMIN } : {};
    const fields = { ...place, cleanStart: true, expiry: 0 };
    const answers = { filter: `${topic}/response`, qos: 1 as const };
    const raw = await this.subscriber("operator", answers, fields);
    raw.send(publishPacket(topic, JSON.stringify({ commands: [command] }), { qos: 0 }));
    return new TextDecoder().decode((await raw.expect("publish")).payload);
  }
}

export function publishPacket(
  topic: string,
  text: string,
  { qos = 1, retain = false, properties }: Publishing = {},
  packetId = 1,
  dup = false,
): Packet {
  const payload = encoder.encode(text);
  return {
    kind: "publish",
    topic,
    payload,
    qos,
    retain,
    dup,
    packetId: qos > 0 ? packetId : 0,
    properties,
  };
}

/** Without its identifier. */
function shown(packet: Packet): string[] {
  return packet.kind === "publish"
    ? [
        inShort(packet)
          .replace(/ #\d+$/, "")
          .slice(8),
      ]
    : [];
}

function acknowledge(raw: RawPeer, packet: Packet): void {
  if (packet.kind === "publish" && packet.qos > 0) {
    raw.send({ kind: packet.qos === 1 ? "puback" : "pubrec", packetId: packet.packetId });
  } else if (packet.kind === "pubrel") {
    raw.send({ kind: "pubcomp", packetId: packet.packetId });
  }
}

function configuration(remotePort: number, guardedPort: number, password: string): string {
  return `[broker]
queue_qos0_messages = true
[access]
dynamic_security_password_init_file = ${JSON.stringify(password)}
[[listener]]
port = ${guardedPort}
dynamic_security = true
allow_anonymous = false
[[bridge]]
name = "cloud"
address = "127.0.0.1:${remotePort}"
restart_timeout = 1
[[bridge.topic]]
pattern = "out/#"
qos = 2
[[bridge.topic]]
pattern = "in/#"
direction = "in"
qos = 2
`;
}
