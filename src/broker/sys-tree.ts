/** `$SYS/broker/…` as Mosquitto publishes it. */
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { Timer } from "../time/scheduler.ts";
import type { Broker } from "./broker.ts";
import type { Counters } from "./counters.ts";

/** Load averages: topic and the counter whose growth per minute they show. */
const LOADS: readonly (readonly [string, keyof Counters])[] = [
  ["load/messages/received", "messagesReceived"],
  ["load/messages/sent", "messagesSent"],
  ["load/publish/dropped", "publishDropped"],
  ["load/publish/received", "publishReceived"],
  ["load/publish/sent", "publishSent"],
  ["load/bytes/received", "bytesReceived"],
  ["load/bytes/sent", "bytesSent"],
  ["load/connections", "connections"],
];

const TOTALS: readonly (readonly [string, keyof Counters])[] = [
  ["messages/received", "messagesReceived"],
  ["messages/sent", "messagesSent"],
  ["publish/messages/dropped", "publishDropped"],
  ["publish/messages/received", "publishReceived"],
  ["publish/messages/sent", "publishSent"],
  ["publish/bytes/received", "publishBytesReceived"],
  ["publish/bytes/sent", "publishBytesSent"],
  ["bytes/received", "bytesReceived"],
  ["bytes/sent", "bytesSent"],
  ["clients/maximum", "clientsMaximum"],
  ["clients/expired", "sessionsExpired"],
];

const WINDOWS: readonly (readonly [string, number])[] = [
  ["1min", 1],
  ["5min", 5],
  ["15min", 15],
];

export class SysTree {
  readonly #broker: Broker;
  readonly #startedAt: number;
  readonly #shown = new Map<string, string>();
  readonly #loads = new Map<string, number>();
  #previous: Counters;
  #previousTime: number;
  #timer: Timer | undefined;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#startedAt = broker.clock.now();
    this.#previousTime = this.#startedAt;
    this.#previous = { ...broker.counters };
  }

  start(): void {
    if (this.#broker.options.sysInterval === 0) return;
    this.#show("version", `midge version ${this.#broker.options.version}`);
    this.#update();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #update(): void {
    const broker = this.#broker;
    const { counters } = broker;
    this.#show("uptime", `${Math.floor((broker.clock.now() - this.#startedAt) / 1000)} seconds`);
    const total = broker.sessions.size;
    const connected = broker.connected;
    this.#show("clients/total", total);
    this.#show("clients/connected", connected);
    this.#show("clients/active", connected);
    this.#show("clients/disconnected", total - connected);
    this.#show("clients/inactive", total - connected);
    this.#show("subscriptions/count", broker.subscriptions.count);
    this.#show("shared_subscriptions/count", broker.subscriptions.sharedCount);
    this.#show("retained messages/count", broker.retained.count);
    for (const [topic, counter] of TOTALS) this.#show(topic, counters[counter]);
    this.#updateLoads();
    this.#timer = broker.scheduler.after(broker.options.sysInterval, () => this.#update());
  }

  /** Exponentially damped averages per minute, as a system's load average. */
  #updateLoads(): void {
    const { clock, counters } = this.#broker;
    const minutes = (clock.now() - this.#previousTime) / 60_000;
    if (minutes <= 0) return;
    for (const [topic, counter] of LOADS) {
      const perMinute = (counters[counter] - this.#previous[counter]) / minutes;
      for (const [name, window] of WINDOWS) {
        const key = `${topic}/${name}`;
        const before = this.#loads.get(key) ?? 0;
        const load = perMinute + Math.exp(-minutes / window) * (before - perMinute);
        this.#loads.set(key, load);
        this.#show(key, load.toFixed(2));
      }
    }
    this.#previous = { ...counters };
    this.#previousTime = clock.now();
  }

  /** Publishes a value under `$SYS/broker/` if it has changed. */
  #show(topic: string, value: string | number): void {
    const text = String(value);
    if (this.#shown.get(topic) === text) return;
    this.#shown.set(topic, text);
    this.#broker.announce(`$SYS/broker/${topic}`, encodeUtf8(text), true);
  }
}
