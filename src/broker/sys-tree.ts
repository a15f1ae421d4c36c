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
  ["load/sockets", "connections"],
  ["load/connections", "connects"],
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
  ["connections/socket/count", "connections"],
  ["clients/maximum", "clientsMaximum"],
  ["clients/expired", "sessionsExpired"],
  // Not Mosquitto's.
  ["queue/dropped/full", "queueDroppedFull"],
  ["queue/dropped/age", "queueDroppedAge"],
  ["queue/refused", "queueRefused"],
];

const WINDOWS: readonly (readonly [string, number])[] = [
  ["1min", 1],
  ["5min", 5],
  ["15min", 15],
];

export class SysTree {
  readonly #broker: Broker;
  readonly #heapUsed: (() => number) | undefined;
  readonly #startedAt: number;
  readonly #shown = new Map<string, string>();
  readonly #loads = new Map<string, number>();
  #previous: Counters;
  #previousTime: number;
  #mostHeap = 0;
  #timer: Timer | undefined;

  /** `heapUsed` answers the memory that the process has taken for its objects, bytes. */
  constructor(broker: Broker, heapUsed?: () => number) {
    this.#broker = broker;
    this.#heapUsed = heapUsed;
    this.#startedAt = broker.clock.now();
    this.#previousTime = this.#startedAt;
    this.#previous = { ...broker.counters };
  }

  start(): void {
    const { sysInterval, version } = this.#broker.options;
    if (sysInterval === 0) return;
    this.#show("version", `midge version ${version}`);
    this.#update();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Goes on as the broker's options are now; where they turn it off, nothing old stays behind. */
  reload(): undefined {
    this.stop();
    if (this.#broker.options.sysInterval === 0) this.#clear();
    else this.start();
  }

  #update(): void {
    const broker = this.#broker;
    const { counters } = broker;
    this.#show("uptime", `${Math.floor((broker.clock.now() - this.#startedAt) / 1000)} seconds`);
    this.#updateLoads();
    for (const [topic, counter] of TOTALS) this.#show(topic, counters[counter]);
    this.#updateClients();
    this.#updateHeap();
    this.#show("subscriptions/count", broker.subscriptions.count);
    this.#show("shared_subscriptions/count", broker.subscriptions.sharedCount);
    this.#updateMessages();
    this.#timer = broker.scheduler.after(broker.options.sysInterval, () => this.#update());
  }

  #updateClients(): void {
    const { sessions, connected } = this.#broker;
    this.#show("clients/total", sessions.size);
    this.#show("clients/connected", connected);
    this.#show("clients/active", connected);
    this.#show("clients/disconnected", sessions.size - connected);
    this.#show("clients/inactive", sessions.size - connected);
  }

  #updateHeap(): void {
    const used = this.#heapUsed?.();
    if (used === undefined) return;
    this.#mostHeap = Math.max(this.#mostHeap, used);
    this.#show("heap/current", used);
    this.#show("heap/maximum", this.#mostHeap);
  }

  /**
   * What is held: retained, or for persistent sessions, where a message for several counts for each;
   * and what waits to go out to those who are connected, since it comes faster than they take it.
   */
  #updateMessages(): void {
    const { retained, sessions } = this.#broker;
    let count = 0;
    let bytes = 0;
    let waiting = 0;
    let waitingBytes = 0;
    for (const { peer, persistent, outgoing } of sessions.values()) {
      const { backlog, backlogBytes, queueLength, queuedBytes } = outgoing;
      if (backlog === 0) continue;
      if (persistent) {
        count += backlog;
        bytes += backlogBytes;
      }
      if (peer !== undefined) {
        waiting += queueLength;
        waitingBytes += queuedBytes;
      }
    }
    this.#show("packet/out/count", waiting);
    this.#show("packet/out/bytes", waitingBytes);
    const isNew = !this.#shown.has("retained messages/count");
    // These themselves are among the retained messages.
    const held = retained.count + (isNew ? 4 : 0);
    this.#show("retained messages/count", held);
    this.#show("messages/stored", held + count);
    this.#show("store/messages/count", held + count);
    this.#show("store/messages/bytes", retained.bytes + bytes);
  }

  /** Exponentially damped averages per minute, as a system's load average. */
  #updateLoads(): void {
    const { clock, counters } = this.#broker;
    const minutes = (clock.now() - this.#previousTime) / 60_000;
    for (const [topic, counter] of LOADS) {
      const perMinute = minutes > 0 ? (counters[counter] - this.#previous[counter]) / minutes : 0;
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

  #clear(): void {
    for (const topic of this.#shown.keys()) {
      this.#broker.announce(`$SYS/broker/${topic}`, new Uint8Array(0), true);
    }
    this.#shown.clear();
  }
}
