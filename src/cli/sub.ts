/** `midge sub`: subscribes to MQTT topics and prints messages, with mosquitto_sub's options. */
import { Command } from "commander";
import type { PublishPacket } from "../mqtt/packets.ts";
import type { QoS } from "../mqtt/qos.ts";
import { filterMatches, isTopicFilter, LONGEST_TOPIC } from "../topics/names.ts";
import { BrokerLink } from "./broker-link.ts";
import {
  addConnectOptions,
  type ConnectFlags,
  type ConnectSettings,
  connectSettings,
  fail,
  parseQos,
  topicFilter,
  wholeNumber,
} from "./connect-options.ts";
import { Exit } from "./exit-codes.ts";
import { type Arrival, type Formatter, parseFormat, plainFormatter } from "./message-format.ts";

interface SubFlags extends ConnectFlags {
  readonly topic: readonly string[];
  readonly filterOut: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly qos: QoS;
  readonly verbose?: boolean | undefined;
  readonly count?: number | undefined;
  readonly timeout?: number | undefined;
  readonly exitAfterSubscribing?: boolean | undefined;
  /** False with `-N`. */
  readonly eol: boolean;
  /** False with `-R`. */
  readonly retained: boolean;
  readonly retainedOnly?: boolean | undefined;
  readonly removeRetained?: boolean | undefined;
  readonly format?: string | undefined;
}

const REFUSED = 0x80;
const NOTHING = new Uint8Array(0);

export function command(): Command {
  const sub = new Command("sub").description("print messages, like mosquitto_sub");
  const many = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  return addConnectOptions(sub)
    .option("-t, --topic <filter>", "topics to subscribe to; may be repeated", collect, [])
    .option("-T, --filter-out <filter>", "topics not to print; may be repeated", collect, [])
    .option(
      "-U, --unsubscribe <filter>",
      "topics to unsubscribe from; may be repeated",
      collect,
      [],
    )
    .option("-q, --qos <qos>", "quality of service", parseQos, 0)
    .option("-v, --verbose", "print topic and payload")
    .option(
      "-F, --format <format>",
      "what to print: %t %p %q %r %l %m %x %X %j %J %I %U, @Y ..., \\n",
    )
    .option("-N, --no-eol", "print no line end after a message")
    .option("-C, --count <count>", "end after so many messages", many)
    .option("-W, --timeout <seconds>", "end after so many seconds, with exit code 27", many)
    .option("-E, --exit-after-subscribing", "end when the subscription is acknowledged")
    .option("-R, --no-retained", "do not print retained messages")
    .option("--retained-only", "print retained messages only, and end with the first other one")
    .option("--remove-retained", "clear the retained messages that come")
    .action((_flags: unknown, self: Command) => run(self, self.opts<SubFlags>()));
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, topicFilter(value)];
}

function run(self: Command, flags: SubFlags): void {
  const settings = connectSettings(self, flags);
  const fromUrl = flags.url === undefined ? [] : [flags.url.topic];
  const topics = [...flags.topic, ...fromUrl];
  if (topics.length === 0) fail(self, "A topic to subscribe to is needed (-t).");
  const bad = topics.find((topic) => !isTopicFilter(topic, LONGEST_TOPIC));
  if (bad !== undefined) fail(self, `"${bad}" is no topic filter.`);
  if (!flags.retained && flags.retainedOnly === true) {
    fail(self, "-R and --retained-only together leave nothing to print.");
  }
  const formatter =
    flags.format === undefined
      ? plainFormatter(flags.verbose === true, flags.eol)
      : parseFormat(flags.format, flags.eol);
  if (typeof formatter === "string") fail(self, formatter);
  new Subscriber(settings, flags, topics, formatter).start();
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
      },
    });
  }

  start(): void {
    // Who reads our output may have enough of it before we are done, as `head` does.
    process.stdout.on("error", () => this.#end(0));
    this.#link.start(0);
    const { timeout } = this.#flags;
    if (timeout !== undefined) {
      this.#link.after(timeout * 1000, () => this.#link.finish(Exit.timeout, "Timed out"));
    }
  }

  #subscribe(link: BrokerLink): void {
    const { qos, unsubscribe } = this.#flags;
    link.client?.subscribe(this.#topics.map((filter) => ({ filter, qos })));
    for (const filter of unsubscribe) link.client?.unsubscribe([filter]);
  }

  #subscribed(packetId: number, codes: readonly number[]): void {
    if (this.#link.settings.debug) {
      process.stdout.write(`Subscribed (mid: ${packetId}): ${codes.join(", ")}\n`);
    }
    if (codes.every((code) => code === REFUSED)) {
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
    process.stdout.write(
      this.#formatter(packet, arrivedNow(), (problem) => this.#link.complain(problem)),
    );
    this.#printed++;
    if (this.#printed === count) this.#end(0);
    return true;
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

function arrivedNow(): Arrival {
  const now = performance.timeOrigin + performance.now();
  const date = new Date(Math.floor(now));
  const micros = Math.floor((now % 1000) * 1000);
  return { date, nanoseconds: micros * 1000 };
}
