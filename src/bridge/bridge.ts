/**
 * A bridge to another broker. Here it is a client with a session of its own, in which messages wait
 * while the remote broker is away; there it is an MQTT client. This file keeps the connection: when
 * to dial whom, what to do first once it stands, and what to tell about it.
 */
import { encodeUtf8 } from "../bytes/utf8.ts";
import { describeEnding, type Ending } from "../mqtt-client/ending.ts";
import { MqttClient, type MqttClientOwner } from "../mqtt-client/mqtt-client.ts";
import type { Dialler, Dialling } from "../seams/dialler.ts";
import type { Door } from "../seams/door.ts";
import type { Log } from "../seams/log.ts";
import type { Wire, WireEnd } from "../seams/wire.ts";
import { Backoff } from "../time/backoff.ts";
import type { Clock, Random } from "../time/clock.ts";
import type { Scheduler, Timer } from "../time/scheduler.ts";
import { AddressRing } from "./address-ring.ts";
import { EchoGuard } from "./echo-guard.ts";
import { Incoming } from "./incoming.ts";
import { MainWatch } from "./main-watch.ts";
import type { BridgeOptions, RemoteAddress } from "./options.ts";
import { Outgoing } from "./outgoing.ts";
import { Privacy } from "./privacy.ts";
import { TopicMap } from "./topic-map.ts";

export interface BridgeParts {
  readonly door: Door;
  readonly dialler: Dialler;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly log: Log;
  readonly options: BridgeOptions;
}

const UP = encodeUtf8("1");
const DOWN = encodeUtf8("0");
const REFUSED = 0x80;
/** A connection that stood this long was a good one: the next wait is a short one again, ms. */
const STABLE = 10_000;
/** How long the remote broker may take to answer the first SUBSCRIBEs, ms. */
const OPENING_PATIENCE = 30_000;

export class Bridge {
  readonly #parts: BridgeParts;
  readonly #topics: TopicMap;
  readonly #ring: AddressRing;
  readonly #backoff: Backoff;
  readonly #privacy: Privacy;
  readonly #mainWatch: MainWatch;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  readonly #echoes: EchoGuard;
  /** What the remote broker still has to answer before messages go out: packetId, topic filter. */
  readonly #opening = new Map<number, string>();
  #running = false;
  #client: MqttClient | undefined;
  #dialling: Dialling | undefined;
  #retryTimer: Timer | undefined;
  #openingTimer: Timer | undefined;
  /** When CONNACK came, monotonic ms. */
  #connectedAt: number | undefined;
  #lastFailure = "";
  #returningToMain = false;
  /** The remote broker had kept the bridge's session. */
  #sessionPresent = false;

  constructor(parts: BridgeParts) {
    const { door, dialler, clock, scheduler, random, log, options } = parts;
    const { name } = options;
    this.#parts = parts;
    this.#topics = new TopicMap(options.topics);
    this.#ring = new AddressRing(options.addresses, options.roundRobin);
    this.#backoff = new Backoff(options.restartBase, options.restartCap, random);
    this.#privacy = new Privacy(options.tryPrivate);
    this.#mainWatch = new MainWatch(dialler, scheduler, options.restartCap);
    this.#echoes = new EchoGuard(clock);
    const topics = this.#topics;
    const echoes = this.#echoes;
    this.#incoming = new Incoming({ name, log, topics, echoes });
    this.#outgoing = new Outgoing({
      door,
      log,
      options,
      topics,
      echoes,
      published: (packetId) => this.#incoming.published(packetId),
      completed: (packetId) => this.#incoming.completed(packetId),
      evicted: () => {
        const { localClientId } = options;
        this.#client?.abort(`another client took over "${localClientId}" at this broker`);
      },
    });
  }

  /** The remote broker has accepted the bridge. */
  get connected(): boolean {
    return this.#connectedAt !== undefined;
  }

  /** Messages that wait for the remote broker or are on their way to it. */
  get backlog(): number {
    return this.#outgoing.client?.backlog ?? 0;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#tellHere(false);
    this.#dial();
  }

  /** Leaves both brokers in order. What waits in a kept session here goes on waiting. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#retryTimer?.cancel();
    this.#dialling?.cancel();
    this.#dialling = undefined;
    this.#sayGoodbye();
    this.#outgoing.leave();
  }

  #dial(): void {
    const { dialler, log, options } = this.#parts;
    if (!options.localCleanSession && !this.#enter()) {
      this.#retry(`this broker refused the client "${options.localClientId}"`);
      return;
    }
    const address = this.#ring.current;
    log.debug(`${options.name}: connecting to ${text(address)}`);
    this.#dialling = dialler.dial(
      address,
      (wire) => this.#accept(wire),
      (cause) => {
        this.#dialling = undefined;
        this.#retry(cause);
      },
    );
  }

  /** Makes sure that the bridge is a client of this broker. */
  #enter(): boolean {
    return this.#outgoing.client !== undefined || !("refused" in this.#outgoing.enter());
  }

  #accept(wire: Wire): WireEnd {
    const { clock, scheduler, options } = this.#parts;
    this.#dialling = undefined;
    const { notifications, notificationsLocalOnly, notificationTopic, password } = options;
    const client = new MqttClient({
      wire,
      clock,
      scheduler,
      owner: this.#owner(),
      options: {
        level: options.protocol === "mqttv31" ? 3 : 4,
        bridge: this.#privacy.marks(this.#ring.current),
        clientId: options.remoteClientId,
        cleanSession: options.cleanSession,
        keepAlive: options.keepAlive,
        will:
          notifications && !notificationsLocalOnly
            ? { topic: notificationTopic, payload: DOWN, qos: 1, retain: true }
            : undefined,
        username: options.username,
        password: password === undefined ? undefined : encodeUtf8(password),
        maximumPacketSize: options.maximumPacketSize,
      },
    });
    this.#client = client;
    client.start();
    return client;
  }

  #owner(): MqttClientOwner {
    const incoming = this.#incoming;
    const outgoing = this.#outgoing;
    return {
      connected: (sessionPresent) => this.#connected(sessionPresent),
      message: (packet) => incoming.message(packet),
      released: (packetId) => incoming.released(packetId),
      received: (packetId) => outgoing.received(packetId),
      acknowledged: (packetId) => {
        if (!this.#answered(packetId)) outgoing.acknowledged(packetId);
      },
      subscribed: (packetId, codes) => {
        if (codes[0] === REFUSED) this.#subscriptionRefused(packetId);
        this.#answered(packetId);
      },
      unsubscribed: (packetId) => {
        this.#answered(packetId);
      },
      drained: () => outgoing.drained(),
      closed: (ending) => this.#closed(ending),
    };
  }

  #connected(sessionPresent: boolean): void {
    const { clock, scheduler, log, options } = this.#parts;
    const client = this.#client as MqttClient;
    const address = this.#ring.current;
    this.#connectedAt = clock.now();
    this.#lastFailure = "";
    this.#privacy.accepted(address);
    this.#ring.connected();
    log.info(`${options.name}: connected to ${text(address)}`);
    const local = this.#enter() ? this.#outgoing.client : undefined;
    if (local === undefined) {
      client.abort(`this broker refused the client "${options.localClientId}"`);
      return;
    }
    this.#incoming.open(client, local, sessionPresent, this.#guarded);
    this.#tellHere(true);
    this.#sessionPresent = sessionPresent;
    this.#ask(client);
    // The wire may have closed, or the session here been taken, meanwhile.
    if (this.#client !== client) return;
    this.#openingTimer = scheduler.after(OPENING_PATIENCE, () => {
      client.abort("no answer to SUBSCRIBE");
    });
    this.#openWhenAnswered();
    if (this.#ring.isStandIn) {
      this.#mainWatch.start(this.#ring.main, () => this.#returnToMain());
    } else {
      this.#mainWatch.reached();
    }
  }

  /** A remote broker that was not told of the bridge sends its own messages back to it. */
  get #guarded(): boolean {
    return !this.#privacy.marks(this.#ring.current);
  }

  /**
   * What the remote broker is told and asked first. Messages wait for the answers, since their
   * packet identifiers come from the session here and must not meet these.
   */
  #ask(client: MqttClient): void {
    const { options } = this.#parts;
    this.#opening.clear();
    if (options.notifications && !options.notificationsLocalOnly) {
      const packetId = client.freePacketId();
      this.#opening.set(packetId, "");
      client.publish(options.notificationTopic, UP, 1, true, false, packetId);
    }
    for (const subscription of this.#topics.remoteSubscriptions) {
      this.#opening.set(client.subscribe([subscription]), subscription.filter);
    }
    if (!options.attemptUnsubscribe) return;
    for (const filter of this.#topics.remoteOutOnly) {
      this.#opening.set(client.unsubscribe([filter]), filter);
    }
  }

  /** Whether this answered one of the first questions. */
  #answered(packetId: number): boolean {
    if (!this.#opening.delete(packetId)) return false;
    this.#openWhenAnswered();
    return true;
  }

  #openWhenAnswered(): void {
    const client = this.#client;
    if (this.#opening.size > 0 || client === undefined) return;
    this.#openingTimer?.cancel();
    this.#outgoing.open(client, this.#sessionPresent, this.#guarded);
  }

  #subscriptionRefused(packetId: number): void {
    const { log, options } = this.#parts;
    const filter = this.#opening.get(packetId);
    log.warn(`${options.name}: the remote broker refused the subscription to ${filter}`);
  }

  #closed(ending: Ending): void {
    const { clock, scheduler } = this.#parts;
    const address = this.#ring.current;
    const since = this.#connectedAt;
    this.#client = undefined;
    this.#connectedAt = undefined;
    this.#openingTimer?.cancel();
    this.#mainWatch.stop();
    this.#opening.clear();
    this.#incoming.close();
    this.#outgoing.close();
    if (since !== undefined) {
      this.#tellHere(false);
      if (clock.now() - since >= STABLE) this.#backoff.reset();
    }
    if (!this.#running) return;
    if (this.#returningToMain) {
      this.#returningToMain = false;
      this.#ring.toMain();
      this.#retryTimer = scheduler.after(0, () => this.#dial());
    } else if (since === undefined && this.#privacy.failed(address, ending)) {
      const { log, options } = this.#parts;
      log.info(`${options.name}: ${text(address)} takes no bridge, trying as a common client`);
      this.#retryTimer = scheduler.after(0, () => this.#dial());
    } else {
      this.#retry(describeEnding(ending));
    }
  }

  /** Dials the next address, at once or after a wait when all have failed. */
  #retry(cause: string): void {
    const { scheduler, log, options } = this.#parts;
    if (!this.#running) return;
    const failure = `${options.name}: ${text(this.#ring.current)}: ${cause}`;
    const wait = this.#ring.failed() ? this.#backoff.next() : 0;
    const next =
      wait === 0
        ? `trying ${text(this.#ring.current)}`
        : `next try in ${Math.round(wait / 100) / 10} s`;
    // One that goes on is worth a line each time, but not the attention of a new one.
    if (failure === this.#lastFailure) log.info(`${failure}, ${next}`);
    else log.warn(`${failure}, ${next}`);
    this.#lastFailure = failure;
    this.#retryTimer = scheduler.after(wait, () => this.#dial());
  }

  #returnToMain(): void {
    const { log, options } = this.#parts;
    log.info(`${options.name}: ${text(this.#ring.main)} answers again, going back to it`);
    this.#returningToMain = true;
    this.#sayGoodbye();
  }

  /** Ends the connection in order; the will that tells of it does not go out then, so we do. */
  #sayGoodbye(): void {
    const { notifications, notificationsLocalOnly, notificationTopic } = this.#parts.options;
    const client = this.#client;
    if (client?.connected === true && notifications && !notificationsLocalOnly) {
      client.publish(notificationTopic, DOWN, 0, true, false, 0);
    }
    client?.disconnect();
  }

  #tellHere(connected: boolean): void {
    const { door, options } = this.#parts;
    if (options.notifications) {
      door.announce(options.notificationTopic, connected ? UP : DOWN, true);
    }
  }
}

function text({ host, port }: RemoteAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
