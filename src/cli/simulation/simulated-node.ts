/** One simulated node: its transport, its MQTT-SN client, what it reads and when it tells. */
import { encodeUtf8 } from "../../bytes/utf8.ts";
import type { TopicReference } from "../../mqttsn/packets.ts";
import type { Outcome } from "../../mqttsn-client/outcome.ts";
import { type NodeState, SnClient } from "../../mqttsn-client/sn-client.ts";
import type { Clock, Random } from "../../time/clock.ts";
import type { Scheduler, Timer } from "../../time/scheduler.ts";
import type { SnTransport } from "../sn-transport.ts";
import { SnWire } from "../sn-wire.ts";
import { type Generator, makeGenerator, type Reading } from "./generators.ts";
import type { NodePlan } from "./scenario.ts";
import type { Totals } from "./totals.ts";

export interface SimulatedNodeParts {
  readonly plan: NodePlan;
  readonly transport: SnTransport;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly totals: Totals;
  /** Nobody is at the gateway's place. */
  readonly unreachable: () => void;
}

/** Readings are left out while so many messages wait. */
const MOST_WAITING = 20;
/** Before connecting again, ms; doubled each time. */
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30_000;

export class SimulatedNode {
  readonly #parts: SimulatedNodeParts;
  readonly #plan: NodePlan;
  readonly #client: SnClient;
  readonly #wire: SnWire;
  readonly #generator: Generator;
  #running = false;
  /** Had a connection, so that the session is there to go on with. */
  #joined = false;
  #delay = FIRST_DELAY;
  #lastRead: number | undefined;
  #nextRead: Timer | undefined;
  #nextWake: Timer | undefined;
  #retry: Timer | undefined;

  constructor(parts: SimulatedNodeParts) {
    const { plan, clock, scheduler, random, transport } = parts;
    this.#parts = parts;
    this.#plan = plan;
    this.#generator = makeGenerator(plan.payload, random);
    this.#wire = new SnWire({
      transport,
      wirelessNodeId: plan.wirelessNodeId,
      receive: (frame) => this.#client.receive(frame),
      unreachable: () => this.#refused(),
      ended: () => {},
    });
    this.#client = new SnClient({
      clock,
      scheduler,
      random,
      clientId: plan.clientId,
      retryInterval: plan.retryInterval * 1000,
      retryLimit: plan.retryLimit,
      send: (frame) => this.#wire.send(frame),
      listener: {
        message: ({ payload }) => this.#receive(new TextDecoder().decode(payload)),
        disconnected: () => {
          parts.totals.lost++;
          this.#connectLater();
        },
      },
    });
  }

  get state(): NodeState {
    return this.#client.state;
  }

  /** Opens the transport and begins to connect. Rejects with CommandFailure. */
  async start(): Promise<void> {
    await this.#wire.open();
    this.#running = true;
    // QoS -1 does without a connection.
    if (this.#plan.qos === -1) this.#beginReading();
    else this.#connect();
  }

  /** Disconnects; `done` is called when the gateway, if it ever answered, has answered this too. */
  stop(done: () => void): void {
    this.#running = false;
    for (const timer of [this.#nextRead, this.#nextWake, this.#retry]) timer?.cancel();
    const heard = this.#client.state !== "connecting";
    this.#client.disconnect(heard ? done : undefined);
    if (!heard) done();
  }

  /** Releases the transport. */
  close(): void {
    this.#wire.close();
  }

  #connect(): void {
    const { keepAlive, cleanSession, will } = this.#plan;
    const options = { cleanSession, duration: keepAlive, will };
    this.#client.connect(options, (outcome) => {
      if (outcome !== "accepted") {
        // Where it was given up for lost meanwhile, there is another try under way.
        if (outcome !== "disconnected") this.#parts.totals.refused++;
        this.#connectLater();
        return;
      }
      this.#parts.totals.connected++;
      this.#delay = FIRST_DELAY;
      if (cleanSession || !this.#joined) this.#subscribe();
      this.#joined = true;
      this.#beginReading();
    });
  }

  #connectLater(): void {
    this.#nextRead?.cancel();
    this.#nextWake?.cancel();
    this.#retry?.cancel();
    if (!this.#running) return;
    // All nodes of a gateway that was away must not come back at the same time.
    const delay = this.#delay * (0.5 + this.#parts.random());
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY);
    this.#retry = this.#parts.scheduler.after(delay, () => this.#connect());
  }

  /** Without this a node would wait for T_RETRY though it is known that nobody heard it. */
  #refused(): void {
    this.#parts.unreachable();
    if (this.#client.state === "connecting") this.#connectLater();
  }

  #subscribe(): void {
    for (const name of this.#plan.subscribe) {
      this.#client.subscribe({ type: "name", name }, this.#plan.qos);
    }
  }

  #beginReading(): void {
    this.#nextRead?.cancel();
    this.#read(this.#parts.clock.now());
  }

  #read(due: number): void {
    this.#tell(this.#take());
    const next = due + this.#plan.interval * 1000;
    this.#nextRead = this.#parts.scheduler.at(next, () => this.#read(next));
  }

  #take(): Reading | undefined {
    const now = this.#parts.clock.now();
    const elapsed = now - (this.#lastRead ?? now);
    this.#lastRead = now;
    return this.#generator.read(elapsed / 1000);
  }

  #receive(text: string): void {
    this.#parts.totals.received++;
    if (this.#generator.command(text)) this.#tell(this.#take());
  }

  /** Publishes a reading, from sleep by becoming active first (MQTT-SN 1.2 §6.14), and goes to sleep. */
  #tell(reading: Reading | undefined): void {
    const asleep = this.#client.state === "asleep" || this.#client.state === "awake";
    if (!asleep) {
      if (reading !== undefined) this.#publish(reading);
      this.#sleep();
      return;
    }
    if (reading === undefined) return;
    this.#nextWake?.cancel();
    const options = { cleanSession: false, duration: this.#plan.keepAlive };
    this.#client.connect(options, (outcome) => {
      if (outcome !== "accepted") {
        this.#connectLater();
        return;
      }
      this.#publish(reading);
      this.#sleep();
    });
  }

  #publish(reading: Reading): void {
    const { topic, split } = this.#plan;
    const { totals } = this.#parts;
    if (this.#client.backlog > MOST_WAITING) {
      totals.skipped++;
      return;
    }
    if (!split || topic.type !== "name") {
      this.#publishText(topic, JSON.stringify(reading));
      return;
    }
    for (const [name, value] of Object.entries(reading)) {
      this.#publishText({ type: "name", name: `${topic.name}/${name}` }, String(value));
    }
  }

  #publishText(topic: TopicReference, text: string): void {
    const { qos, retain } = this.#plan;
    const { totals, clock } = this.#parts;
    const began = clock.now();
    totals.offered++;
    this.#client.publish({ topic, payload: encodeUtf8(text), qos, retain }, (outcome: Outcome) => {
      if (outcome !== "accepted") {
        // What leaving cuts off is still on its way at the end.
        if (this.#running || outcome !== "disconnected") totals.failed++;
        return;
      }
      totals.published++;
      if (qos > 0) totals.delays.add(clock.now() - began);
    });
  }

  #sleep(): void {
    const { sleep, qos } = this.#plan;
    if (sleep === 0 || qos === -1) return;
    this.#client.sleep(sleep, (outcome) => {
      if (outcome === "accepted") this.#wakeLater();
    });
  }

  #wakeLater(): void {
    this.#nextWake?.cancel();
    this.#nextWake = this.#parts.scheduler.after(this.#plan.sleep * 1000, () =>
      this.#client.wake((outcome) => {
        if (outcome === "accepted" || outcome === "timeout") this.#wakeLater();
      }),
    );
  }
}
