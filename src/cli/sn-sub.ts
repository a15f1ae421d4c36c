/** `midge sn-sub`: subscribes as an MQTT-SN node and prints messages, with mosquitto_sub's options. */
import { Command } from "commander";
import type { QoS } from "../mqtt/qos.ts";
import type { TopicReference } from "../mqttsn/packets.ts";
import type { Received } from "../mqttsn-client/receiver.ts";
import { fail, parseQos, topicFilter, wholeNumber } from "./connect-options.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import { type Formatter, plainFormatter } from "./message-format.ts";
import { seconds, topicId } from "./sn-option-values.ts";
import {
  addSnOptions,
  namedTopic,
  type SnFlags,
  type SnSettings,
  snSettings,
} from "./sn-options.ts";
import { SnSession } from "./sn-session.ts";

interface SubFlags extends SnFlags {
  readonly topic: readonly string[];
  readonly predefined: readonly number[];
  readonly short?: boolean | undefined;
  readonly qos: QoS;
  readonly verbose?: boolean | undefined;
  readonly count?: number | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** False with `-N`. */
  readonly eol: boolean;
  /** Seconds. */
  readonly sleep?: number | undefined;
}

/** Before connecting again after the connection was lost, ms. */
const RECONNECT_AFTER = 1000;

export function command(): Command {
  const sub = new Command("sn-sub").description("print messages, received as an MQTT-SN node");
  return addSnOptions(sub)
    .option("-t, --topic <filter>", "topics to subscribe to; may be repeated", addFilter, [])
    .option("--predefined <id>", "predefined topic ids to subscribe to; may be repeated", addId, [])
    .option("--short", "the topics are short ones of two octets")
    .option("-q, --qos <qos>", "quality of service", parseQos, 0)
    .option("-v, --verbose", "print topic and payload; of a predefined topic, its id")
    .option("-N, --no-eol", "print no line end after a message")
    .option(
      "-C, --count <count>",
      "end after so many messages",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option("-W, --timeout <seconds>", "end after so many seconds, with exit code 27", seconds)
    .option(
      "--sleep <seconds>",
      "sleep, and wake every so many seconds to fetch what came meanwhile",
      wholeNumber(1, 65_535),
    )
    .addHelpText(
      "after",
      `
Examples:
  midge sn-sub -t 'home/#' -v
  midge sn-sub -h gateway.local --predefined 5 -C 1 -W 10
  midge sn-sub -t home/valve/set -q 1 -i valve-7 -c --sleep 60

Exit codes are Mosquitto's: 0 after -C or an interrupt, 1 failed, 27 after -W.`,
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
  if (topics.length === 0) {
    fail(self, "A topic to subscribe to is needed (-t or --predefined).");
  }
  return runToExit(() => new Subscriber(settings, flags, topics).run());
}

class Subscriber {
  readonly #settings: SnSettings;
  readonly #flags: SubFlags;
  readonly #topics: readonly TopicReference[];
  readonly #formatter: Formatter;
  #printed = 0;
  #session: SnSession | undefined;
  #end: (outcome: Exit | CommandFailure) => void = () => {};

  constructor(settings: SnSettings, flags: SubFlags, topics: readonly TopicReference[]) {
    this.#settings = settings;
    this.#flags = flags;
    this.#topics = topics;
    this.#formatter = plainFormatter(flags.verbose === true, flags.eol);
  }

  /** Runs until the count, the time or an interrupt ends it. Rejects with CommandFailure. */
  async run(): Promise<Exit> {
    const ended = new Promise<Exit | CommandFailure>((resolve) => {
      this.#end = resolve;
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
      lost: () => this.#follow(this.#reconnect()),
    });
    this.#session = session;
    this.#follow(this.#subscribe(session));
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

  async #subscribe(session: SnSession): Promise<void> {
    await session.connect();
    await this.#subscribed(session);
  }

  async #subscribed(session: SnSession): Promise<void> {
    const { qos, sleep } = this.#flags;
    for (const topic of this.#topics) await session.subscribe(topic, qos);
    if (sleep === undefined) return;
    await session.sleep(sleep);
    for (;;) {
      await session.pause(sleep * 1000);
      await session.wake();
    }
  }

  async #reconnect(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    for (;;) {
      await session.pause(RECONNECT_AFTER);
      try {
        await session.connect();
        break;
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
      }
    }
    await this.#subscribed(session);
  }

  #print({ topic, payload, qos, retain, dup }: Received): void {
    const { count } = this.#flags;
    if (this.#printed === count) return;
    const packet = {
      kind: "publish",
      topic: topic.type === "predefined" ? String(topic.topicId) : topic.name,
      payload,
      qos: qos === -1 ? 0 : qos,
      retain,
      dup,
      packetId: 0,
    } as const;
    const bytes = this.#formatter(packet, { date: new Date(), nanoseconds: 0 }, () => {});
    process.stdout.write(bytes);
    this.#printed++;
    if (this.#printed === count) this.#end(Exit.success);
  }
}
