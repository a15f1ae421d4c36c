/** `midge sn-sub`: subscribes as an MQTT-SN node and prints messages, with mosquitto_sub's options. */
import { Command } from "commander";
import type { QoS } from "../mqtt/qos.ts";
import type { TopicReference } from "../mqttsn/packets.ts";
import type { Received } from "../mqttsn-client/receiver.ts";
import { filterMatches } from "../topics/names.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import type { Formatter } from "./message-format.ts";
import { fail, parseQos, topicFilter, wholeNumber } from "./option-values.ts";
import { addPrintOptions, arrivedNow, formatterOf, type OutputFlags } from "./output-options.ts";
import { seconds, topicId } from "./sn-option-values.ts";
import {
  addSnOptions,
  namedTopic,
  type SnFlags,
  type SnSettings,
  snSettings,
} from "./sn-options.ts";
import { SnSession } from "./sn-session.ts";

interface SubFlags extends SnFlags, OutputFlags {
  readonly topic: readonly string[];
  readonly predefined: readonly number[];
  readonly filterOut: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly short?: boolean | undefined;
  readonly qos: QoS;
  readonly count?: number | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly exitAfterSubscribing?: boolean | undefined;
  readonly retainedOnly?: boolean | undefined;
  /** Seconds. */
  readonly sleep?: number | undefined;
}

/** Before connecting again after the connection was lost, ms. */
const RECONNECT_AFTER = 1000;

export function command(): Command {
  const sub = new Command("sn-sub").description("print messages, received as an MQTT-SN node");
  addSnOptions(sub)
    .option("-t, --topic <filter>", "topics to subscribe to; may be repeated", addFilter, [])
    .option("--predefined <id>", "predefined topic ids to subscribe to; may be repeated", addId, [])
    .option("--short", "the topics are short ones of two octets")
    .option("-T, --filter-out <filter>", "topics not to print; may be repeated", addFilter, [])
    .option(
      "-U, --unsubscribe <filter>",
      "topics to unsubscribe from; may be repeated",
      addFilter,
      [],
    )
    .option("-q, --qos <qos>", "quality of service", parseQos, 0)
    .option(
      "-C, --count <count>",
      "end after so many messages",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option("-W, --timeout <seconds>", "end after so many seconds, with exit code 27", seconds)
    .option("-E, --exit-after-subscribing", "end when the subscriptions are acknowledged")
    .option("--retained-only", "print retained messages only, and end with the first other one")
    .option(
      "--sleep <seconds>",
      "sleep, and wake every so many seconds to fetch what came meanwhile",
      wholeNumber(1, 65_535),
    );
  return addPrintOptions(sub)
    .addHelpText(
      "after",
      `
For messages of predefined topics the id stands in place of the topic.

Examples:
  midge sn-sub -t 'home/#' -v
  midge sn-sub -h gateway.local --predefined 5 -C 1 -W 10
  midge sn-sub -t home/valve/set -q 1 -i valve-7 -c --sleep 60
  midge sn-sub --search -t 'home/#' -F '%I %t %j'

Exit codes are Mosquitto's: 0 after -C or an interrupt, 1 failed, 7 connection lost, 27 after -W.`,
    )
    .action((_flags: unknown, self: Command) => run(self, self.opts<SubFlags>()));
}

function addFilter(value: string, before: readonly string[]): readonly string[] {
  return [...before, topicFilter(value)];
}

function addId(value: string, before: readonly number[]): readonly number[] {
  return [...before, topicId(value)];
}

function run(self: Command, flags: SubFlags): Promise<void> {
  const settings = snSettings(self, flags);
  const topics: readonly TopicReference[] = [
    ...flags.topic.map((name) => namedTopic(self, name, flags.short === true)),
    ...flags.predefined.map((id) => ({ type: "predefined", topicId: id }) as const),
  ];
  if (topics.length === 0 && flags.unsubscribe.length === 0) {
    fail(self, "A topic to subscribe to is needed (-t or --predefined).");
  }
  if (!flags.retained && flags.retainedOnly === true) {
    fail(self, "-R and --retained-only together leave nothing to print.");
  }
  const formatter = formatterOf(self, flags);
  return runToExit(() => new Subscriber(settings, flags, topics, formatter).run());
}

class Subscriber {
  readonly #settings: SnSettings;
  readonly #flags: SubFlags;
  readonly #topics: readonly TopicReference[];
  readonly #formatter: Formatter;
  #printed = 0;
  #session: SnSession | undefined;
  /** Counts connections, so that what belongs to an earlier one ends. */
  #connection = 0;
  #over = false;
  #end: (outcome: Exit | CommandFailure) => void = () => {};

  constructor(
    settings: SnSettings,
    flags: SubFlags,
    topics: readonly TopicReference[],
    formatter: Formatter,
  ) {
    this.#settings = settings;
    this.#flags = flags;
    this.#topics = topics;
    this.#formatter = formatter;
  }

  /** Runs until the count, the time or an interrupt ends it. Rejects with CommandFailure. */
  async run(): Promise<Exit> {
    const ended = new Promise<Exit | CommandFailure>((resolve) => {
      this.#end = (outcome) => {
        this.#over = true;
        resolve(outcome);
      };
    });
    const finish = (): void => this.#end(Exit.success);
    process.once("SIGINT", finish).once("SIGTERM", finish);
    // Who reads our output may have enough of it before we are done, as `head` does.
    process.stdout.on("error", finish);
    const { timeout } = this.#flags;
    const timer =
      timeout === undefined ? undefined : setTimeout(() => this.#end(Exit.timeout), timeout);
    try {
      return await this.#runUntil(ended);
    } finally {
      clearTimeout(timer);
      process.off("SIGINT", finish).off("SIGTERM", finish);
    }
  }

  async #runUntil(ended: Promise<Exit | CommandFailure>): Promise<Exit> {
    const session = await SnSession.open(this.#settings, {
      message: (received) => this.#print(received),
      // Beyond the last one, messages stay with the gateway.
      declines: () => this.#over,
      lost: () => this.#follow(this.#reconnect()),
    });
    this.#session = session;
    session.gone.catch((error: CommandFailure) => this.#end(error));
    this.#follow(this.#start(session));
    const outcome = await ended;
    if (outcome instanceof CommandFailure) {
      session.abandon();
      throw outcome;
    }
    await session.close();
    if (outcome === Exit.timeout) process.stderr.write("Timed out\n");
    return outcome;
  }

  /** What goes on beside ends the command where it fails. */
  #follow(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!(error instanceof CommandFailure)) throw error;
      // A lost connection is told by the session as well, and is made anew.
      if (error.exitCode !== Exit.lost) this.#end(error);
    });
  }

  async #start(session: SnSession): Promise<void> {
    await session.connect();
    for (const name of this.#flags.unsubscribe) await session.unsubscribe({ type: "name", name });
    await this.#subscribe(session);
  }

  async #subscribe(session: SnSession): Promise<void> {
    const { qos, sleep, exitAfterSubscribing } = this.#flags;
    const connection = ++this.#connection;
    for (const topic of this.#topics) await session.subscribe(topic, qos);
    if (exitAfterSubscribing === true) {
      this.#end(Exit.success);
      return;
    }
    if (sleep === undefined) return;
    await session.sleep(sleep);
    for (;;) {
      await session.pause(sleep * 1000);
      if (connection !== this.#connection) return;
      await session.wake();
    }
  }

  async #reconnect(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    this.#connection++;
    for (;;) {
      await session.pause(RECONNECT_AFTER);
      if (this.#over) return;
      try {
        await session.connect();
        break;
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
      }
    }
    await this.#subscribe(session);
  }

  #print({ topic, payload, qos, retain, dup, messageId }: Received): void {
    const { count, retained, retainedOnly, filterOut } = this.#flags;
    if (retainedOnly === true && !retain) {
      this.#end(Exit.success);
      return;
    }
    if (retain && !retained) return;
    const name = topic.type === "predefined" ? String(topic.topicId) : topic.name;
    if (topic.type !== "predefined" && filterOut.some((one) => filterMatches(one, name))) return;
    const packet = {
      kind: "publish",
      topic: name,
      payload,
      qos: qos === -1 ? 0 : qos,
      retain,
      dup,
      packetId: messageId,
    } as const;
    const complain = (problem: string): void => {
      process.stderr.write(`${problem}\n`);
    };
    process.stdout.write(this.#formatter(packet, arrivedNow(), complain));
    this.#printed++;
    if (this.#printed === count) this.#end(Exit.success);
  }
}
