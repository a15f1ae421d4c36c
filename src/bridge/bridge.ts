/**
 * A bridge to another broker. Here it is a client with a session of its own, in which messages wait
 * while the remote broker is away; there it is an MQTT client. This file keeps the connection: when
 * to dial whom, and what to tell about it.
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
import { type BridgeCounters, zeroBridgeCounters } from "./bridge-counters.ts";
import { BridgeReport } from "./bridge-report.ts";
import type { BridgeState } from "./bridge-state.ts";
import { connectOptions, type Login } from "./connect-options.ts";
import { EchoGuard } from "./echo-guard.ts";
import { Incoming } from "./incoming.ts";
import { MainWatch } from "./main-watch.ts";
import { Marks } from "./marks.ts";
import { OpeningQuestions } from "./opening-questions.ts";
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
  /** Tells this broker, as long as it runs, from all others; without blanks. */
  readonly brokerId: string;
  /** The topic filters that a kept session at this broker holds; none if not given. */
  readonly heldFilters?: ((clientId: string) => Iterable<string>) | undefined;
  /** Asked for each connection; undefined is what the options say. Answers a problem in words. */
  readonly login?: (() => Login | { readonly problem: string }) | undefined;
}

const UP = encodeUtf8("1");
const DOWN = encodeUtf8("0");
const NOTHING = new Uint8Array(0);
/** How long the remote broker may take to answer the first questions, ms. */
const OPENING_PATIENCE = 30_000;
/** Between two looks at whether enough waits, or anything was carried, ms. */
const LOOK = 1000;
/** So much of its time a login is used for before it is renewed. */
const RENEWED_AT = 0.8;

/** What follows the end of a connection that the bridge ends itself. */
type Next = "main" | "again" | "idle";

export class Bridge {
  readonly counters: BridgeCounters = zeroBridgeCounters();
  readonly #parts: BridgeParts;
  readonly #ring: AddressRing;
  readonly #backoff: Backoff;
  readonly #privacy: Privacy;
  readonly #mainWatch: MainWatch;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  readonly #questions: OpeningQuestions;
  readonly #report: BridgeReport;
  #running = false;
  #client: MqttClient | undefined;
  #dialling: Dialling | undefined;
  #retryTimer: Timer | undefined;
  #openingTimer: Timer | undefined;
  #idleTimer: Timer | undefined;
  #renewTimer: Timer | undefined;
  /** When CONNACK came, monotonic ms. */
  #connectedAt: number | undefined;
  #lastFailure = "";
  #next: Next | undefined;
  /** Takes the place of this bridge when the connection ends. */
  #successor: (() => void) | undefined;
  #login: Login = {};
  /** The remote broker had kept the bridge's session. */
  #sessionPresent = false;

  constructor(parts: BridgeParts) {
    const { door, dialler, clock, scheduler, random, log, options, brokerId } = parts;
    const { name, restartBase, restartCap, protocol } = options;
    this.#parts = parts;
    this.#ring = new AddressRing(options.addresses, options.roundRobin);
    this.#backoff = new Backoff(restartBase, restartCap, random);
    // A bridge of 5.0 asks for the same with each subscription.
    this.#privacy = new Privacy(options.tryPrivate && protocol !== "mqttv50");
    this.#mainWatch = new MainWatch(dialler, scheduler, restartCap);
    const topics = new TopicMap(options.topics, options.exclude);
    const echoes = new EchoGuard(clock);
    const { loopMark, ageProperty } = options;
    const marks = new Marks({ clock, brokerId, loopMark, ageProperty });
    const { counters } = this;
    this.#questions = new OpeningQuestions(log, options, topics);
    const isMqtt5 = protocol === "mqttv50";
    this.#incoming = new Incoming({ name, clock, log, topics, echoes, marks, isMqtt5, counters });
    this.#outgoing = new Outgoing({
      door,
      clock,
      scheduler,
      log,
      options,
      topics,
      echoes,
      marks,
      counters,
      heldFilters: parts.heldFilters ?? (() => []),
      published: (packetId) => this.#incoming.published(packetId),
      completed: (packetId) => this.#incoming.completed(packetId),
      evicted: () => {
        const { localClientId } = options;
        this.#client?.abort(`another client took over "${localClientId}" at this broker`);
      },
    });
    this.#report = new BridgeReport({
      door,
      scheduler,
      prefix: reportPrefix(options),
      interval: options.reportInterval,
      facts: () => ({
        state: this.state,
        counters,
        backlog: this.backlog,
        address: text(this.#ring.current),
        failure: this.#lastFailure,
      }),
    });
  }

  /** The remote broker has accepted the bridge. */
  get connected(): boolean {
    return this.#connectedAt !== undefined;
  }

  get state(): BridgeState {
    if (this.connected) return "connected";
    if (this.#lastFailure !== "") return "offline";
    const isAtWork = this.#dialling !== undefined || this.#client !== undefined;
    return this.#parts.options.startType === "lazy" && !isAtWork ? "idle" : "connecting";
  }

  /** Messages that wait for the remote broker or are on their way to it. */
  get backlog(): number {
    return this.#outgoing.client?.backlog ?? 0;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#tellHere(false);
    this.#report.start();
    if (this.#parts.options.startType === "lazy") this.#awaitWork();
    else this.#dial();
  }

  /** Leaves both brokers in order. What waits in a kept session here goes on waiting. */
  stop(): void {
    if (!this.#running) return;
    this.#halt();
    this.#outgoing.leave();
  }

  /**
   * Stops for good: nothing queues any more, and nothing tells of the bridge. Answers how many messages
   * still wait here, for a bridge of the same client id.
   */
  remove(): number {
    const { door, options } = this.#parts;
    if (this.#running) this.#halt();
    this.#report.clear();
    if (options.notifications) door.announce(options.notificationTopic, NOTHING, true);
    return this.#outgoing.retire();
  }

  /** Stops when the connection ends, at once if there is none; then calls `successor`. */
  retire(successor: () => void): void {
    if (this.connected) {
      this.#successor = successor;
      return;
    }
    this.stop();
    successor();
  }

  #halt(): void {
    this.#running = false;
    this.#retryTimer?.cancel();
    this.#dialling?.cancel();
    this.#dialling = undefined;
    this.#report.stop();
    this.#sayGoodbye();
  }

  /** Waits until there is enough to connect for. */
  #awaitWork(): void {
    const { scheduler, options } = this.#parts;
    if (this.#enter() && this.backlog >= options.threshold) {
      this.#dial();
      return;
    }
    this.#retryTimer = scheduler.after(LOOK, () => this.#awaitWork());
  }

  #dial(): void {
    const { dialler, log, options } = this.#parts;
    if (!options.localCleanSession && !this.#enter()) {
      this.#retry(`this broker refused the client "${options.localClientId}"`, false);
      return;
    }
    const login = this.#parts.login?.() ?? options;
    if ("problem" in login) {
      this.#retry(login.problem, false);
      return;
    }
    this.#login = login;
    const address = this.#ring.current;
    log.debug(`${options.name}: connecting to ${text(address)}`);
    this.#dialling = dialler.dial(
      address,
      (wire) => this.#accept(wire),
      (cause) => {
        this.#dialling = undefined;
        this.#retry(cause, false);
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
    const client = new MqttClient({
      wire,
      clock,
      scheduler,
      owner: this.#owner(),
      options: connectOptions(options, this.#login, this.#privacy.marks(this.#ring.current)),
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
      acknowledged: (packetId, answer) => {
        if (!this.#answered(packetId, answer.reasonCode)) outgoing.acknowledged(packetId, answer);
      },
      subscribed: (packetId, codes) => {
        this.#answered(packetId, codes[0]);
      },
      unsubscribed: (packetId) => {
        this.#answered(packetId, undefined);
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
    this.counters.connects++;
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
    // These belong to messages that the remote broker may know, and are repeated only later.
    for (const packetId of local.inflightIds?.() ?? []) client.reserve(packetId);
    this.#questions.ask(client);
    // The wire may have closed, or the session here been taken, meanwhile.
    if (this.#client !== client) return;
    this.#openingTimer = scheduler.after(OPENING_PATIENCE, () => {
      client.abort("no answer to SUBSCRIBE");
    });
    this.#openWhenAnswered();
    this.#watch();
  }

  /** Looks out for what ends a connection in order. */
  #watch(): void {
    const { scheduler, options } = this.#parts;
    if (this.#ring.isStandIn) {
      this.#mainWatch.start(this.#ring.main, () => this.#leaveFor("main"));
    } else {
      this.#mainWatch.reached();
    }
    if (options.startType === "lazy") this.#watchIdle();
    const { validFor } = this.#login;
    if (validFor === undefined) return;
    this.#renewTimer = scheduler.after(validFor * RENEWED_AT, () => this.#leaveFor("again"));
  }

  #watchIdle(): void {
    const { clock, scheduler, options } = this.#parts;
    const last = Math.max(
      this.#connectedAt ?? 0,
      this.#outgoing.lastSent,
      this.#incoming.lastReceived,
    );
    const left = last + options.idleTimeout - clock.now();
    if (left <= 0 && this.backlog === 0) this.#leaveFor("idle");
    else this.#idleTimer = scheduler.after(Math.max(left, LOOK), () => this.#watchIdle());
  }

  /** A remote broker that was not told of the bridge sends its own messages back to it. */
  get #guarded(): boolean {
    const { protocol } = this.#parts.options;
    return protocol !== "mqttv50" && !this.#privacy.marks(this.#ring.current);
  }

  /** Whether this answered one of the first questions. */
  #answered(packetId: number, code: number | undefined): boolean {
    if (!this.#questions.answered(packetId, code)) return false;
    this.#openWhenAnswered();
    return true;
  }

  #openWhenAnswered(): void {
    const client = this.#client;
    if (!this.#questions.areAnswered || client === undefined) return;
    this.#openingTimer?.cancel();
    this.#outgoing.open(client, this.#sessionPresent, this.#guarded);
  }

  #closed(ending: Ending): void {
    const { clock, scheduler, options } = this.#parts;
    const address = this.#ring.current;
    const since = this.#connectedAt;
    const next = this.#next;
    this.#client = undefined;
    this.#connectedAt = undefined;
    this.#next = undefined;
    for (const timer of [this.#openingTimer, this.#idleTimer, this.#renewTimer]) timer?.cancel();
    this.#mainWatch.stop();
    this.#questions.forget();
    this.#incoming.close();
    this.#outgoing.close();
    if (since !== undefined) {
      this.#tellHere(false);
      if (clock.now() - since >= options.restartStable) this.#backoff.reset();
    }
    if (!this.#running) return;
    const successor = this.#successor;
    if (successor !== undefined) {
      this.stop();
      successor();
    } else if (next === "idle") {
      this.#awaitWork();
    } else if (next !== undefined) {
      if (next === "main") this.#ring.toMain();
      this.#retryTimer = scheduler.after(0, () => this.#dial());
    } else if (since === undefined && this.#privacy.failed(address, ending)) {
      const { log } = this.#parts;
      log.info(`${options.name}: ${text(address)} takes no bridge, trying as a common client`);
      this.#retryTimer = scheduler.after(0, () => this.#dial());
    } else {
      this.#retry(describeEnding(ending), since !== undefined);
    }
  }

  /** Dials the next address, at once or after a wait when all have failed. `stood`: a connection broke. */
  #retry(cause: string, stood: boolean): void {
    const { scheduler, log, options } = this.#parts;
    if (!this.#running) return;
    const { name, startType } = options;
    this.counters.failures++;
    const failure = `${text(this.#ring.current)}: ${cause}`;
    const allFailed = this.#ring.failed();
    const isOver = startType === "once" && (stood || allFailed);
    const wait = allFailed && !isOver ? this.#backoff.next() : 0;
    const then = isOver
      ? "not trying again, as start_type is once"
      : wait === 0
        ? `trying ${text(this.#ring.current)}`
        : `next try in ${Math.round(wait / 100) / 10} s`;
    // One that goes on is worth a line each time, but not the attention of a new one.
    if (failure === this.#lastFailure) log.info(`${name}: ${failure}, ${then}`);
    else log.warn(`${name}: ${failure}, ${then}`);
    this.#lastFailure = failure;
    if (isOver) return;
    this.#retryTimer = scheduler.after(wait, () => {
      if (startType === "lazy") this.#awaitWork();
      else this.#dial();
    });
  }

  /** Leaves the remote broker in order, to do something else. */
  #leaveFor(next: Next): void {
    const { log, options } = this.#parts;
    const why = {
      main: `${text(this.#ring.main)} answers again, going back to it`,
      again: "logging in anew before the login runs out",
      idle: "nothing to carry, disconnecting",
    };
    log.info(`${options.name}: ${why[next]}`);
    this.#next = next;
    this.#sayGoodbye();
  }

  /** Ends the connection in order; the will that tells of it does not go out then, so we do. */
  #sayGoodbye(): void {
    const { notifications, notificationsLocalOnly, notificationTopic, outgoingRetain } =
      this.#parts.options;
    const client = this.#client;
    if (client?.connected === true && notifications && !notificationsLocalOnly) {
      const retain = outgoingRetain && client.limits.retainAvailable;
      client.publish(notificationTopic, DOWN, 0, retain, false, 0);
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

/** Beside the state, under an id that fits into a topic. */
function reportPrefix({ remoteClientId, name }: BridgeOptions): string {
  return `$SYS/broker/connection/${/[+#]/.test(remoteClientId) ? name : remoteClientId}`;
}

function text({ host, port }: RemoteAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
