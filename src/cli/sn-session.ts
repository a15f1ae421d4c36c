/** One node run from the command line: transport, clock and MQTT-SN client, with promises around them. */
import type { SnQoS, TopicReference } from "../mqttsn/packets.ts";
import type { Done, Outcome } from "../mqttsn-client/outcome.ts";
import type { Publication } from "../mqttsn-client/publish-exchange.ts";
import type { Received } from "../mqttsn-client/receiver.ts";
import { SnClient } from "../mqttsn-client/sn-client.ts";
import { RealTime } from "../system/real-time.ts";
import { CommandFailure, Exit } from "./exit-codes.ts";
import { findGateway } from "./find-gateway.ts";
import type { SnSettings } from "./sn-options.ts";
import { type SnTransport, transportTo } from "./sn-transport.ts";
import { SnWire } from "./sn-wire.ts";

export interface SnSessionEvents {
  message(received: Received): void;
  /** True to leave what comes with the gateway. */
  declines?(): boolean;
  /** The connection ended unasked. */
  lost(): void;
}

/** How long leaving waits for the gateway's answer, ms. */
const LEAVE_TIMEOUT = 2000;
/** Whoever publishes here bounds what waits; this is only so that nothing of it is refused. */
const QUEUE_LIMIT = 1_000_000;

const REASONS: Readonly<Record<Exclude<Outcome, "accepted">, string>> = {
  invalidTopicId: "the gateway does not know the topic id",
  notSupported: "the gateway does not support it",
  refused: "the gateway refuses it",
  timeout: "the gateway does not answer",
  disconnected: "the connection was lost",
  queueFull: "too much waits to be sent",
};

export class SnSession {
  readonly #settings: SnSettings;
  readonly #time = new RealTime();
  readonly #client: SnClient;
  readonly #transport: SnTransport;
  readonly #wire: SnWire;
  /** Ends `connect` when nobody is at the gateway's place. */
  #unreachable: (() => void) | undefined;
  /** Rejects when the transport is gone for good, and with it all that is asked. */
  readonly #gone: Promise<never>;
  #ended: (cause: string) => void = () => {};

  private constructor(settings: SnSettings, events: SnSessionEvents, transport: SnTransport) {
    const { clientId, wirelessNodeId, retryInterval, retryLimit, waitInterval } = settings;
    this.#settings = settings;
    this.#transport = transport;
    this.#gone = new Promise((_resolve, reject) => {
      this.#ended = (cause) =>
        reject(new CommandFailure(`the line to ${transport.where} is gone: ${cause}.`, Exit.lost));
    });
    // Nobody may be asking just then.
    this.#gone.catch(() => {});
    this.#wire = new SnWire({
      transport,
      wirelessNodeId,
      receive: (frame) => this.#client.receive(frame),
      unreachable: () => this.#unreachable?.(),
      ended: (cause) => this.#ended(cause),
      trace: traceOf(settings),
    });
    this.#client = new SnClient({
      clock: this.#time,
      scheduler: this.#time.scheduler,
      random: Math.random,
      clientId,
      retryInterval,
      retryLimit,
      waitInterval,
      queueLimit: QUEUE_LIMIT,
      send: (frame) => this.#wire.send(frame),
      listener: {
        message: (received) => events.message(received),
        declines: () => events.declines?.() === true,
        disconnected: () => events.lost(),
      },
    });
  }

  /** A session with its transport open, not yet connected. Rejects with CommandFailure. */
  static async open(settings: SnSettings, events: SnSessionEvents): Promise<SnSession> {
    const session = new SnSession(settings, events, await transportOf(settings));
    await session.#wire.open();
    session.#time.start();
    return session;
  }

  /** The longest message that reaches the gateway, bytes. */
  get maximumFrame(): number {
    return this.#wire.maximumFrame;
  }

  /** Rejects when the way to the gateway is gone for good. */
  get gone(): Promise<never> {
    return this.#gone;
  }

  /** Connects, with what is to be done to the will. Rejects with CommandFailure, as all that follow do. */
  async connect(): Promise<void> {
    const { keepAlive, cleanSession, will, willUpdate } = this.#settings;
    const connecting = new Promise<Outcome | "unreachable">((resolve) => {
      this.#unreachable = () => resolve("unreachable");
      this.#client.connect({ cleanSession, duration: keepAlive, will }, resolve);
    });
    const outcome = await Promise.race([connecting, this.#gone]);
    this.#unreachable = undefined;
    if (outcome !== "accepted") {
      const reason = outcome === "unreachable" ? "nothing listens there" : REASONS[outcome];
      throw new CommandFailure(`cannot connect to ${this.#transport.where}: ${reason}.`);
    }
    const { topic, payload } = willUpdate ?? {};
    if (topic !== undefined) {
      const { name, qos, retain } = topic;
      await this.#ask("changing the will's topic failed", (done) =>
        this.#client.updateWillTopic(name === "" ? undefined : name, qos, retain, done),
      );
    }
    if (payload !== undefined) {
      await this.#ask("changing the will's payload failed", (done) =>
        this.#client.updateWillMessage(payload, done),
      );
    }
  }

  publish(publication: Publication): Promise<void> {
    const what = `publishing on ${described(publication.topic)} failed`;
    return this.#ask(what, (done) => this.#client.publish(publication, done));
  }

  subscribe(topic: TopicReference, qos: SnQoS): Promise<void> {
    const what = `subscribing to ${described(topic)} failed`;
    return this.#ask(what, (done) => this.#client.subscribe(topic, qos, done));
  }

  unsubscribe(topic: TopicReference): Promise<void> {
    const what = `unsubscribing from ${described(topic)} failed`;
    return this.#ask(what, (done) => this.#client.unsubscribe(topic, done));
  }

  /** Sleeps for `duration` seconds as far as the gateway knows. */
  sleep(duration: number): Promise<void> {
    return this.#ask("going to sleep failed", (done) => this.#client.sleep(duration, done));
  }

  /** Fetches what was kept while asleep. A gateway that does not answer is asked again the next time. */
  wake(): Promise<void> {
    return this.#ask("waking failed", (done) =>
      this.#client.wake((outcome) => done(outcome === "timeout" ? "accepted" : outcome)),
    );
  }

  /** Resolves after `delay` ms. */
  pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      this.#time.scheduler.after(delay, resolve);
    });
  }

  /** Disconnects, where connected and wanted, and releases everything. */
  async close(): Promise<void> {
    if (this.#settings.disconnects) {
      await new Promise<void>((resolve) => {
        this.#time.scheduler.after(LEAVE_TIMEOUT, resolve);
        this.#client.disconnect(() => resolve());
        this.#gone.catch(() => resolve());
      });
    }
    this.abandon();
  }

  /** Releases everything without a word to the gateway. */
  abandon(): void {
    this.#time.stop();
    this.#wire.close();
  }

  async #ask(what: string, start: (done: Done) => void): Promise<void> {
    const outcome = await Promise.race([new Promise<Outcome>(start), this.#gone]);
    if (outcome === "accepted") return;
    const lost = outcome === "timeout" || outcome === "disconnected";
    throw new CommandFailure(`${what}: ${REASONS[outcome]}.`, lost ? Exit.lost : Exit.failure);
  }
}

function traceOf({ debug, clientId }: SnSettings): ((text: string) => void) | undefined {
  return debug ? (text) => process.stdout.write(`Client ${clientId} ${text}\n`) : undefined;
}

/** Rejects with CommandFailure. */
async function transportOf(settings: SnSettings): Promise<SnTransport> {
  const { destination } = settings;
  if (destination.kind !== "search") return transportTo(destination);
  const { group, port, radius } = destination;
  const { retryInterval: interval, retryLimit: limit } = settings;
  const trace = traceOf(settings);
  const found = await findGateway({ group, port, radius, interval, limit, trace });
  return transportTo({ kind: "udp", host: found.address, port: found.port });
}

function described(topic: TopicReference): string {
  return topic.type === "predefined" ? `predefined id ${topic.topicId}` : `"${topic.name}"`;
}
