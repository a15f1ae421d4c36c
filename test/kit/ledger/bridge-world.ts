/** Who publishes and subscribes at the two ends of a bridge, and what the other end is. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Random } from "../../../src/time/clock.ts";
import { freePort } from "../ports.ts";
import { Cast } from "./cast.ts";
import { KilledMidge, midgePorts } from "./killed-midge.ts";
import type { PacketLog } from "./packet-log.ts";
import { Publisher } from "./publisher.ts";
import { RestartedMosquitto } from "./restarted-mosquitto.ts";
import { Subscriber } from "./subscriber.ts";

/** The broker at the bridge's other end. */
export interface RemoteBroker {
  readonly name: string;
  readonly mqttPort: number;
  readonly faults: readonly string[];
  start(): Promise<void>;
  /** Ends it as hard as it bears. */
  interrupt(): Promise<void>;
  stop(): Promise<void>;
}

/** The client id of the bridge at the other broker. */
export const BRIDGE_ID = "soak-bridge";
/** The shortest that a bridge takes, seconds: a stalled connection is given up after half as long again. */
const KEEPALIVE = 5;
const WINDOW = 6;
const PAUSE = 150;
const SLOWNESS = 15;

/** The configuration of the end that has the bridge, after its section [store]. */
export function siteConfig(port: number, protocol: string): string {
  const topic = (pattern: string, direction: string) =>
    `[[bridge.topic]]\npattern = "${pattern}"\ndirection = "${direction}"\nqos = 2\n`;
  return `[broker]
max_queued_messages = 0
[[bridge]]
name = "cloud"
address = "127.0.0.1:${port}"
client_id = "${BRIDGE_ID}"
protocol = "${protocol}"
keepalive = ${KEEPALIVE}
restart_timeout = 1
restart_timeout_cap = 2
${topic("up/#", "out")}${topic("down/#", "in")}`;
}

/** A Mosquitto that is restarted in order: killed, it would lose what it has acknowledged. */
export async function remoteMosquitto(t: TestContext, folder: string): Promise<RemoteBroker> {
  const broker = new RestartedMosquitto(t, join(folder, "mosquitto"), await freePort());
  return {
    name: "Mosquitto",
    mqttPort: broker.mqttPort,
    faults: broker.faults,
    start: () => broker.start(),
    interrupt: () => broker.stop(),
    stop: () => broker.stop(),
  };
}

/** Another Midge, which is killed. */
export async function remoteMidge(t: TestContext, folder: string): Promise<RemoteBroker> {
  const more = "[broker]\nmax_queued_messages = 0\n";
  const broker = new KilledMidge(t, {
    folder: join(folder, "remote"),
    ...(await midgePorts()),
    more,
  });
  return {
    name: "the other Midge",
    mqttPort: broker.mqttPort,
    faults: broker.faults,
    start: () => {
      broker.spawn("");
      return broker.ready();
    },
    interrupt: () => broker.kill(),
    stop: () => broker.stop(),
  };
}

/** Two publishers and two subscribers at either end. */
export function bridgeCast(site: number, remote: number, log: PacketLog, random: Random): Cast {
  const cast = new Cast(log);
  for (const [way, from, to] of [
    ["up", site, remote],
    ["down", remote, site],
  ] as const) {
    for (const level of [4, 5] as const) {
      const streams = ([1, 2] as const).map((qos) => ({
        topic: `${way}/${level}/${qos}`,
        qos,
        long: true,
      }));
      const about = { level, log, random };
      cast.publishers.push(
        new Publisher({
          ...about,
          clientId: `${way}-from-${level}`,
          port: from,
          streams,
          window: WINDOW,
          pause: PAUSE,
        }),
      );
      const subscriber = new Subscriber({
        ...about,
        clientId: `${way}-to-${level}`,
        port: to,
        subscriptions: [{ filter: `${way}/#`, qos: 2 }],
        counts: level === 4 ? "released" : "at once",
        slowness: SLOWNESS,
      });
      cast.subscribers.push(subscriber);
      cast.account(subscriber);
    }
  }
  return cast;
}
