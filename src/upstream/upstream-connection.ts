/** Keeps one MQTT connection to the upstream broker: dials, connects, and begins anew when it is lost. */
import type { MqttClientOwner } from "../mqtt-client/client-owner.ts";
import type { Ending } from "../mqtt-client/ending.ts";
import { MqttClient, type MqttClientOptions } from "../mqtt-client/mqtt-client.ts";
import type { Dialling } from "../seams/dialler.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import { Backoff } from "../time/backoff.ts";
import type { Timer } from "../time/scheduler.ts";
import { type Failure, failureOf, unreachable } from "./failure.ts";
import type { UpstreamParts } from "./options.ts";
import type { Reachability } from "./reachability.ts";

export interface UpstreamOwner extends Omit<MqttClientOwner, "connected" | "closed"> {
  readonly clientId: string;
  /** For the next CONNECT. */
  connectOptions(): MqttClientOptions;
  /** CONNACK has come. */
  connected(client: MqttClient, sessionPresent: boolean): void;
  /** The connection, or the attempt at one, is over; another follows unless `stop` is called. */
  failed(failure: Failure): void;
}

/** "trying" before the first attempt has ended, and while a connection is renewed; "down" after a failure. */
export type ConnectionState = "stopped" | "trying" | "up" | "down";

/** A connection that stood this long was a good one: the next wait is a short one again, ms. */
const STABLE = 10_000;
/** How long CONNACK and answers to pings may take, ms. */
const PATIENCE = 10_000;

export class UpstreamConnection {
  readonly #parts: UpstreamParts;
  readonly #owner: UpstreamOwner;
  readonly #reachability: Reachability;
  readonly #backoff: Backoff;
  #state: ConnectionState = "stopped";
  #client: MqttClient | undefined;
  #dialling: Dialling | undefined;
  #retryTimer: Timer | undefined;
  #connectedAt = 0;
  #renewing = false;
  /** The wait after a failure is over, or another connection has come about. */
  readonly #tryAgain = (): void => {
    this.#endWait();
    this.#dial();
  };

  constructor(parts: UpstreamParts, owner: UpstreamOwner, reachability: Reachability) {
    const { retryBase, retryCap } = parts.options;
    this.#parts = parts;
    this.#owner = owner;
    this.#reachability = reachability;
    this.#backoff = new Backoff(retryBase, retryCap, parts.random);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Once connected. */
  get client(): MqttClient | undefined {
    return this.#state === "up" ? this.#client : undefined;
  }

  start(): void {
    if (this.#state !== "stopped") return;
    this.#state = "trying";
    this.#dial();
  }

  /** Ends all of it; `leave` says what is told to the upstream broker if there is a connection. */
  stop(leave: (client: MqttClient) => void): void {
    const { client } = this;
    const underWay = this.#client;
    if (client !== undefined) this.#reachability.disconnected();
    this.#state = "stopped";
    this.#client = undefined;
    this.#endWait();
    this.#dialling?.cancel();
    if (client !== undefined) leave(client);
    else underWay?.abort("not wanted any more");
  }

  /** Leaves in order and connects anew at once, with what CONNECT now says. */
  renew(): void {
    const { client } = this;
    if (client === undefined || this.#renewing) return;
    this.#renewing = true;
    client.disconnect();
  }

  #dial(): void {
    const { dialler, options } = this.#parts;
    this.#dialling = dialler.dial(
      options.target,
      (wire) => this.#accept(wire),
      (cause) => {
        this.#dialling = undefined;
        this.#fail(unreachable(cause));
      },
    );
  }

  #accept(wire: Wire): WireEnd {
    const { clock, scheduler } = this.#parts;
    const owner = this.#owner;
    this.#dialling = undefined;
    const client: MqttClient = new MqttClient({
      wire,
      clock,
      scheduler,
      owner: {
        connected: (sessionPresent) => this.#connected(client, sessionPresent),
        message: (packet) => owner.message(packet),
        released: (packetId) => owner.released(packetId),
        received: (packetId) => owner.received(packetId),
        acknowledged: (packetId, answer) => owner.acknowledged(packetId, answer),
        subscribed: (packetId, codes, properties) => owner.subscribed(packetId, codes, properties),
        unsubscribed: (packetId, codes, properties) =>
          owner.unsubscribed(packetId, codes, properties),
        drained: () => owner.drained(),
        closed: (ending) => this.#closed(client, ending),
      },
      options: { patience: PATIENCE, ...owner.connectOptions() },
    });
    this.#client = client;
    client.start();
    return client;
  }

  #connected(client: MqttClient, sessionPresent: boolean): void {
    if (this.#client !== client) return;
    this.#state = "up";
    this.#connectedAt = this.#parts.clock.now();
    this.#reachability.connected();
    this.#owner.connected(client, sessionPresent);
  }

  #closed(client: MqttClient, ending: Ending): void {
    if (this.#client !== client) return;
    const stood = this.#state === "up";
    this.#client = undefined;
    if (stood) {
      this.#reachability.disconnected();
      if (this.#parts.clock.now() - this.#connectedAt >= STABLE) this.#backoff.reset();
    }
    if (!this.#renewing) {
      this.#fail(failureOf(ending));
      return;
    }
    this.#renewing = false;
    this.#state = "trying";
    this.#owner.failed(failureOf(ending));
    if (this.#isRunning) this.#dial();
  }

  get #isRunning(): boolean {
    return this.#state !== "stopped";
  }

  #fail(failure: Failure): void {
    this.#state = "down";
    this.#owner.failed(failure);
    // The owner may have stopped it.
    const wait = this.#isRunning ? this.#backoff.next() : undefined;
    this.#reachability.failed(this.#owner.clientId, failure, wait);
    if (wait === undefined) return;
    this.#retryTimer = this.#parts.scheduler.after(wait, this.#tryAgain);
    this.#reachability.wait(this.#tryAgain);
  }

  #endWait(): void {
    this.#retryTimer?.cancel();
    this.#reachability.waitNoMore(this.#tryAgain);
  }
}
