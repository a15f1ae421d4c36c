/** One node run from the command line: socket, clock and MQTT-SN client, with promises around them. */
import type { SnQoS, TopicReference } from "../mqttsn/packets.ts";
import type { Done, Outcome } from "../mqttsn-client/outcome.ts";
import type { Publication } from "../mqttsn-client/publish-exchange.ts";
import type { Received } from "../mqttsn-client/receiver.ts";
import { SnClient } from "../mqttsn-client/sn-client.ts";
import { RealTime } from "../system/real-time.ts";
import { CommandFailure, Exit } from "./exit-codes.ts";
import type { SnSettings } from "./sn-options.ts";
import { resolveHost, SnSocket } from "./sn-socket.ts";

export interface SnSessionEvents {
  message(received: Received): void;
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
  readonly #socket: SnSocket;
  /** Ends `connect` when nothing listens at the gateway's port. */
  #unreachable: (() => void) | undefined;

  /** `address`: the gateway's IP address. */
  private constructor(settings: SnSettings, events: SnSessionEvents, address: string) {
    const { clientId, port, wirelessNodeId, retryInterval, retryLimit } = settings;
    this.#settings = settings;
    this.#socket = new SnSocket({
      address,
      port,
      wirelessNodeId,
      receive: (frame) => this.#client.receive(frame),
      failed: (error) => {
        if (error.code === "ECONNREFUSED") this.#unreachable?.();
      },
      trace: settings.debug
        ? (text) => process.stdout.write(`Client ${clientId} ${text}\n`)
        : undefined,
    });
    this.#client = new SnClient({
      clock: this.#time,
      scheduler: this.#time.scheduler,
      random: Math.random,
      clientId,
      retryInterval,
      retryLimit,
      queueLimit: QUEUE_LIMIT,
      send: (frame) => this.#socket.send(frame),
      listener: {
        message: (received) => events.message(received),
        disconnected: () => events.lost(),
      },
    });
  }

  /** A session with its socket open, not yet connected. Rejects with CommandFailure. */
  static async open(settings: SnSettings, events: SnSessionEvents): Promise<SnSession> {
    const session = new SnSession(settings, events, await resolveHost(settings.host));
    await session.#socket.open();
    session.#time.start();
    return session;
  }

  /** Rejects with CommandFailure, as all that follow do. */
  async connect(): Promise<void> {
    const { host, port, keepAlive, cleanSession, will } = this.#settings;
    const outcome = await new Promise<Outcome | "unreachable">((resolve) => {
      this.#unreachable = () => resolve("unreachable");
      this.#client.connect({ cleanSession, duration: keepAlive, will }, resolve);
    });
    this.#unreachable = undefined;
    if (outcome === "accepted") return;
    const reason = outcome === "unreachable" ? "nothing listens there" : REASONS[outcome];
    throw new CommandFailure(`cannot connect to ${host}, UDP port ${port}: ${reason}.`);
  }

  publish(publication: Publication): Promise<void> {
    const what = `publishing on ${described(publication.topic)} failed`;
    return ask(what, (done) => this.#client.publish(publication, done));
  }

  subscribe(topic: TopicReference, qos: SnQoS): Promise<void> {
    const what = `subscribing to ${described(topic)} failed`;
    return ask(what, (done) => this.#client.subscribe(topic, qos, done));
  }

  /** Sleeps for `duration` seconds as far as the gateway knows. */
  sleep(duration: number): Promise<void> {
    return ask("going to sleep failed", (done) => this.#client.sleep(duration, done));
  }

  /** Fetches what was kept while asleep. A gateway that does not answer is asked again the next time. */
  wake(): Promise<void> {
    return ask("waking failed", (done) =>
      this.#client.wake((outcome) => done(outcome === "timeout" ? "accepted" : outcome)),
    );
  }

  /** Resolves after `delay` ms. */
  pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      this.#time.scheduler.after(delay, resolve);
    });
  }

  /** Disconnects, where connected, and releases everything. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#time.scheduler.after(LEAVE_TIMEOUT, resolve);
      this.#client.disconnect(() => resolve());
    });
    this.abandon();
  }

  /** Releases everything without a word to the gateway. */
  abandon(): void {
    this.#time.stop();
    this.#socket.close();
  }
}

async function ask(what: string, start: (done: Done) => void): Promise<void> {
  const outcome = await new Promise<Outcome>(start);
  if (outcome === "accepted") return;
  const lost = outcome === "timeout" || outcome === "disconnected";
  const exitCode = lost ? Exit.lost : Exit.failure;
  throw new CommandFailure(`${what}: ${REASONS[outcome]}.`, exitCode);
}

function described(topic: TopicReference): string {
  return topic.type === "predefined" ? `predefined id ${topic.topicId}` : `"${topic.name}"`;
}
