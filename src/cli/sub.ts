/** `midge sub`: subscribes to MQTT topics and prints messages, with mosquitto_sub's options. */
import { Command, InvalidArgumentError } from "commander";
import type { PublishPacket } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason } from "../mqtt/reason-codes.ts";
import { reasonText } from "../mqtt-client/reason-text.ts";
import { filterMatches, isTopicFilter, LONGEST_TOPIC } from "../topics/names.ts";
import { BrokerLink } from "./broker-link.ts";
import {
  addConnectOptions,
  addProtocol5Options,
  type ConnectFlags,
  type ConnectSettings,
  connectSettings,
} from "./connect-options.ts";
import { Exit } from "./exit-codes.ts";
import type { Formatter } from "./message-format.ts";
import { fail, parseQos, topicFilter, wholeNumber } from "./option-values.ts";
import {
  addOutputOptions,
  arrivedNow,
  formatterOf,
  type OutputFlags,
  subscriptionFlags,
} from "./output-options.ts";

export { joinProperties as arrange } from "./property-options.ts";

interface SubFlags extends ConnectFlags, OutputFlags {
  readonly topic: readonly string[];
  readonly filterOut: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly qos: QoS;
  readonly local: boolean;
  readonly count?: number | undefined;
  readonly timeout?: number | undefined;
  readonly exitAfterSubscribing?: boolean | undefined;
  readonly retainedOnly?: boolean | undefined;
  readonly removeRetained?: boolean | undefined;
  readonly randomFilter?: number | undefined;
}

const NOTHING = new Uint8Array(0);

export function command(): Command {
  const sub = new Command("sub").description("print messages, like mosquitto_sub");
  const many = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  addConnectOptions(sub)
    .option("-t, --topic <filter>", "topics to subscribe to; may be repeated", collect, [])
    .option("-T, --filter-out <filter>", "topics not to print; may be repeated", collect, [])
    .option(
      "-U, --unsubscribe <filter>",
      "topics to unsubscribe from; may be repeated",
      collect,
      [],
    )
    .option("-q, --qos <qos>", "quality of service", parseQos, 0)
    .option("-C, --count <count>", "end after so many messages", many)
    .option("-W, --timeout <seconds>", "end after so many seconds, with exit code 27", many)
    .option("-E, --exit-after-subscribing", "end when the subscription is acknowledged")
    .option("--retained-only", "print retained messages only, and end with the first other one")
    .option("--remove-retained", "clear the retained messages that come")
    .option("--no-local", "get no messages that this very client id has published; in mqttv5")
    .option("--random-filter <percentage>", "print only so many of the messages", percentage);
  return addProtocol5Options(addOutputOptions(sub)).action((_flags: unknown, self: Command) =>
    run(self, self.opts<SubFlags>()),
  );
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, topicFilter(value)];
}

function run(self: Command, flags: SubFlags): void {
  const settings = connectSettings(self, flags);
  const fromUrl = flags.url === undefined ? [] : [flags.url.topic];
  const topics = [...flags.topic, ...fromUrl];
  if (topics.length === 0 && flags.unsubscribe.length === 0) {
    fail(self, "A topic to subscribe to is needed (-t).");
  }
  const bad = topics.find((topic) => !isTopicFilter(topic, LONGEST_TOPIC));
  if (bad !== undefined) fail(self, `"${bad}" is no topic filter.`);
  if (!flags.retained && flags.retainedOnly === true) {
    fail(self, "-R and --retained-only together leave nothing to print.");
  }
  new Subscriber(settings, flags, topics, formatterOf(self, flags)).start();
}

class Subscriber {
  readonly #flags: SubFlags;
  readonly #topics: readonly string[];
  readonly #formatter: Formatter;
  readonly #link: BrokerLink;
  #printed = 0;
  /** Nothing more is printed; the exit code follows once the broker has what was published. */
  #ending: number | undefined;

  constructor(
    settings: ConnectSettings,
    flags: SubFlags,
    topics: readonly string[],
    formatter: Formatter,
  ) {
    this.#flags = flags;
    this.#topics = topics;
    this.#formatter = formatter;
    this.#link = new BrokerLink({
      settings,
      stay: true,
      events: {
        connected: (link) => this.#subscribe(link),
        message: (packet) => this.#message(packet),
        published: () => this.#endWhenDone(),
        subscribed: (packetId, codes) => this.#subscribed(packetId, codes),
        unsubscribed: () => {
          if (this.#topics.length === 0 && this.#flags.exitAfterSubscribing === true) this.#end(0);
        },
      },
    });
  }

  start(): void {
    // Who reads our output may have enough of it before we are done, as `head` does.
    process.stdout.on("error", () => this.#end(0));
    const link = this.#link;
    // As Mosquitto's: who breaks off is gone in the eyes of those who wait for the will.
    link.start(0, Reason.disconnectWithWill);
    const { timeout } = this.#flags;
    if (timeout === undefined) return;
    link.after(timeout * 1000, () =>
      link.finish(Exit.timeout, "Timed out", Reason.disconnectWithWill),
    );
  }

  #subscribe(link: BrokerLink): void {
    const { qos, unsubscribe, local, retained, removeRetained } = this.#flags;
    const { subscribe, unsubscribe: unsubscribeProperties } = link.settings.sets;
    const options = {
      qos,
      noLocal: !local,
      ...subscriptionFlags(this.#flags, retained || removeRetained === true),
    };
    const subscriptions = this.#topics.map((filter) => ({ filter, ...options }));
    const problem = link.client?.subscribeProblem(subscriptions, subscribe);
    if (problem !== undefined) {
      link.finish(Exit.notSupported, `Error: The broker cannot do this: ${reasonText(problem)}.`);
      return;
    }
    if (subscriptions.length > 0) link.client?.subscribe(subscriptions, subscribe);
    for (const filter of unsubscribe) link.client?.unsubscribe([filter], unsubscribeProperties);
  }

  #subscribed(packetId: number, codes: readonly number[]): void {
    if (this.#link.settings.debug) {
      process.stdout.write(`Subscribed (mid: ${packetId}): ${codes.join(", ")}\n`);
    }
    if (codes.every(isFailure)) {
      this.#link.finish(Exit.failure, "All subscription requests were denied.");
    } else if (this.#flags.exitAfterSubscribing === true) {
      this.#end(0);
    }
  }

  /** Prints, or passes over, a message. False for one beyond the last: it stays with the broker. */
  #message(packet: PublishPacket): boolean {
    const { retainedOnly, removeRetained, filterOut, count } = this.#flags;
    const { topic, retain } = packet;
    if (this.#ending !== undefined) return false;
    if (retainedOnly === true && !retain) {
      this.#end(0);
      return false;
    }
    if (filterOut.some((filter) => filterMatches(filter, topic))) return true;
    if (removeRetained === true && retain) this.#link.session.publish(topic, NOTHING, 1, true);
    if (retain && !this.#flags.retained) return true;
    if (this.#isPicked()) {
      const complain = (problem: string): void => this.#link.complain(problem);
      process.stdout.write(this.#formatter(packet, arrivedNow(), complain));
    }
    this.#printed++;
    if (this.#printed === count) this.#end(0);
    return true;
  }

  #isPicked(): boolean {
    const { randomFilter } = this.#flags;
    return randomFilter === undefined || Math.random() * 100 < randomFilter;
  }

  #end(exitCode: number): void {
    this.#ending = exitCode;
    // The message at hand is to be acknowledged first.
    this.#link.after(0, () => this.#endWhenDone());
  }

  #endWhenDone(): void {
    if (this.#ending === undefined || this.#link.session.pending > 0) return;
    this.#link.finish(this.#ending);
  }
}

function percentage(value: string): number {
  const number = Number(value);
  if (value.trim() === "" || !(number >= 0.1 && number <= 100)) {
    throw new InvalidArgumentError("It must be a number from 0.1 to 100.");
  }
  return number;
}
