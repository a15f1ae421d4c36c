/** Who takes part while a Midge is killed again and again: publishers, subscribers, nodes, bridges. */
import type { TestContext } from "node:test";
import type { Random } from "../../../src/time/clock.ts";
import { type RunningMosquitto, startMosquitto } from "../processes.ts";
import { Cast } from "./cast.ts";
import { ChangingSubscriber } from "./changing-subscriber.ts";
import type { KilledMidge } from "./killed-midge.ts";
import type { PacketLog } from "./packet-log.ts";
import { Publisher, type PublisherParts } from "./publisher.ts";
import { SnNode, type SnNodeParts } from "./sn-node.ts";
import type { StreamKind } from "./stream.ts";
import { Subscriber, type SubscriberParts } from "./subscriber.ts";

export interface KillWorldParts {
  readonly t: TestContext;
  readonly log: PacketLog;
  readonly random: Random;
  /** The one that is killed. */
  readonly midge: KilledMidge;
  /** Another one, which stays. */
  readonly far: KilledMidge;
  readonly mosquitto: RunningMosquitto;
}

/** Topics that are retained, half of them at QoS 1 and half at QoS 2. */
const KEPT = 40;
const WAKES = 700;

/** A Mosquitto that takes whatever comes. */
export function startRemote(t: TestContext): Promise<RunningMosquitto> {
  return startMosquitto(t, {
    more: "max_queued_messages 0\nlog_type error\nlog_type warning\nlog_type notice",
  });
}

/** The configuration of the one that is killed, after its section [store]. */
export function killedConfig(mosquittoPort: number, farPort: number): string {
  return `[broker]
max_queued_messages = 0
[[bridge]]
name = "cloud"
address = "127.0.0.1:${mosquittoPort}"
restart_timeout = 1
${["load/#", "slow/#", "kept/#"].map((pattern) => bridgeTopic(pattern, "out")).join("")}
${bridgeTopic("cloud/#", "in")}
[[bridge]]
name = "far"
address = "127.0.0.1:${farPort}"
protocol = "mqttv50"
restart_timeout = 1
${["load/#", "slow/#"].map((pattern) => bridgeTopic(pattern, "out")).join("")}`;
}

function bridgeTopic(pattern: string, direction: string): string {
  return `[[bridge.topic]]\npattern = "${pattern}"\ndirection = "${direction}"\nqos = 2\n`;
}

export class KillWorld {
  readonly cast: Cast;
  /** Those of the subscribers who are away now and then. */
  readonly wanderers: readonly Subscriber[];
  readonly #parts: KillWorldParts;

  constructor(parts: KillWorldParts) {
    this.#parts = parts;
    this.cast = new Cast(parts.log);
    this.#addPublishers();
    this.#addNodes();
    const { midge, mosquitto, far } = parts;
    const all = [subscription("load/#"), subscription("slow/#"), subscription("cloud/#")];
    const out = [subscription("load/#"), subscription("slow/#")];
    const local = { port: midge.mqttPort, subscriptions: all };
    const alone = [
      this.#subscriber("here-4", 4, "at once", local),
      this.#subscriber("here-5", 5, "released", local),
      this.#subscriber("here-q1", 5, "at once", {
        port: midge.mqttPort,
        subscriptions: [subscription("load/#", 1)],
      }),
      this.#subscriber("away-4", 4, "released", local),
      this.#subscriber("away-5", 5, "at once", local),
      this.#subscriber("at-mosquitto", 4, "released", {
        port: mosquitto.port,
        subscriptions: out,
      }),
      this.#subscriber("at-far", 5, "at once", { port: far.mqttPort, subscriptions: out }),
    ];
    const shared = { port: midge.mqttPort, subscriptions: [subscription("$share/team/load/#")] };
    const team = [1, 2, 3].map((index) => this.#subscriber(`team-${index}`, 5, "at once", shared));
    for (const one of alone) this.cast.account(one);
    this.cast.account(...team);
    this.wanderers = [...alone, ...team].filter(({ clientId }) => /^(away|team-3)/.test(clientId));
    this.#addChanging();
  }

  #addPublishers(): void {
    const { midge, mosquitto } = this.#parts;
    const { mqttPort } = midge;
    this.#publisher("four", 4, mqttPort, 8, 200, both("load/four", true));
    this.#publisher("five", 5, mqttPort, 12, 200, both("load/five", true));
    this.#publisher("calm", 5, mqttPort, 2, 400, both("slow/calm"));
    const kept = Array.from({ length: KEPT }, (_, index) => ({
      topic: `kept/${index}`,
      qos: index < KEPT / 2 ? (1 as const) : (2 as const),
      retain: true,
    }));
    this.#publisher("keeper", 4, mqttPort, 3, 150, kept);
    this.#publisher("there", 4, mosquitto.port, 4, 200, both("cloud/there"));
  }

  #addNodes(): void {
    const nodes = [
      this.#node({ clientId: "sensor", streams: both("slow/sensor"), pause: 150 }),
      this.#node({
        clientId: "display",
        subscriptions: [{ filter: "slow/#", qos: 2 }],
        pause: 0,
      }),
      this.#node({
        clientId: "sleeper",
        subscriptions: [{ filter: "slow/#", qos: 1 }],
        wakes: WAKES,
        pause: 0,
      }),
    ];
    for (const node of nodes) this.cast.account(node);
  }

  #addChanging(): void {
    const { log, random, midge } = this.#parts;
    for (const level of [4, 5] as const) {
      const clientId = `changing-${level}`;
      this.cast.changing.push(
        new ChangingSubscriber({ clientId, port: midge.mqttPort, level, log, random }),
      );
    }
  }

  #publisher(
    clientId: string,
    level: 4 | 5,
    port: number,
    window: number,
    pause: number,
    streams: PublisherParts["streams"],
  ): void {
    const { log, random } = this.#parts;
    this.cast.publishers.push(
      new Publisher({ clientId, level, port, window, pause, streams, log, random }),
    );
  }

  #subscriber(
    clientId: string,
    level: 4 | 5,
    counts: SubscriberParts["counts"],
    place: Pick<SubscriberParts, "port" | "subscriptions">,
  ): Subscriber {
    const { log, random } = this.#parts;
    const made = new Subscriber({ clientId, level, counts, log, random, slowness: 20, ...place });
    this.cast.subscribers.push(made);
    return made;
  }

  #node(parts: Omit<SnNodeParts, "port" | "log" | "random">): SnNode {
    const { log, random, midge } = this.#parts;
    const made = new SnNode({ ...parts, port: midge.udpPort, log, random });
    this.cast.nodes.push(made);
    return made;
  }
}

function subscription(filter: string, qos: 1 | 2 = 2): SubscriberParts["subscriptions"][number] {
  return { filter, qos };
}

/** A topic for each QoS. */
function both(topic: string, long = false): StreamKind[] {
  return ([1, 2] as const).map((qos) => ({ topic: `${topic}/${qos}`, qos, long }));
}
