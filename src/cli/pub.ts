/** `midge pub`: publishes MQTT messages, with mosquitto_pub's options. */
import { Command, InvalidArgumentError } from "commander";
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { QoS } from "../mqtt/qos.ts";
import { BrokerLink } from "./broker-link.ts";
import {
  addConnectOptions,
  type ConnectFlags,
  connectSettings,
  fail,
  parseQos,
  topicName,
  wholeNumber,
} from "./connect-options.ts";
import { Exit } from "./exit-codes.ts";
import { LineSource, readWhole } from "./message-source.ts";

interface PubFlags extends ConnectFlags {
  readonly topic?: string | undefined;
  readonly message?: string | undefined;
  readonly nullMessage?: boolean | undefined;
  readonly file?: string | undefined;
  readonly stdinLine?: boolean | undefined;
  readonly stdinFile?: boolean | undefined;
  readonly qos: QoS;
  readonly retain?: boolean | undefined;
  readonly repeat: number;
  readonly repeatDelay: number;
  readonly maxInflight: number;
}

/** Messages read ahead of the broker's acknowledgements. */
const READ_AHEAD = 1000;
/** The exit code of a program that SIGINT ends. */
const INTERRUPTED = 130;

export function command(): Command {
  const pub = new Command("pub").description("publish messages, like mosquitto_pub");
  return addConnectOptions(pub)
    .option("-t, --topic <topic>", "topic to publish to", topicName)
    .option("-m, --message <message>", "the message")
    .option("-n, --null-message", "an empty message")
    .option("-f, --file <file>", "the content of a file as the message")
    .option("-s, --stdin-file", "all of standard input as the message")
    .option("-l, --stdin-line", "each line of standard input as a message")
    .option("-q, --qos <qos>", "quality of service", parseQos, 0)
    .option("-r, --retain", "retain the message")
    .option("--repeat <count>", "publish so many times", wholeNumber(1, Number.MAX_SAFE_INTEGER), 1)
    .option("--repeat-delay <seconds>", "wait between repetitions", parseSeconds, 0)
    .option(
      "-M, --max-inflight <count>",
      "QoS 1 and 2 messages under way",
      wholeNumber(1, 65535),
      20,
    )
    .action((_flags: unknown, self: Command) => run(self, self.opts<PubFlags>()));
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (value.trim() === "" || !(seconds >= 0 && seconds < 1e6)) {
    throw new InvalidArgumentError("It must be a number of seconds.");
  }
  return seconds;
}

function run(self: Command, flags: PubFlags): void {
  const { message, nullMessage, file, stdinLine, stdinFile } = flags;
  const settings = connectSettings(self, flags);
  const topic = flags.topic ?? flags.url?.topic;
  const sources = [message, nullMessage, file, stdinLine, stdinFile];
  const given = sources.filter((source) => source !== undefined).length;
  if (topic === undefined) fail(self, "A topic to publish to is needed (-t).");
  if (flags.topic === undefined && !isName(topic))
    fail(self, `"${topic}" is no topic to publish to.`);
  if (given === 0) fail(self, "A message is needed (-m, -n, -f, -s or -l).");
  if (given > 1) fail(self, "Only one of -m, -n, -f, -s and -l can be given.");
  const payload = stdinLine === true ? undefined : readPayload(self, flags);
  const target = { topic, qos: flags.qos, retain: flags.retain === true };
  const parts = { settings, maximumInflight: flags.maxInflight };
  if (payload === undefined) publishLines(parts, target);
  else publishOne(parts, target, payload, flags.repeat, flags.repeatDelay * 1000);
}

function isName(topic: string): boolean {
  try {
    return topicName(topic) === topic;
  } catch {
    return false;
  }
}

function readPayload(self: Command, { message, nullMessage, file }: PubFlags): Uint8Array {
  if (message !== undefined) return encodeUtf8(message);
  if (nullMessage === true) return new Uint8Array(0);
  const bytes = readWhole(file);
  if (typeof bytes === "string") fail(self, bytes);
  if (file === undefined && bytes.length === 0) fail(self, "Standard input is empty.");
  return bytes;
}

interface Target {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

type Parts = Pick<ConstructorParameters<typeof BrokerLink>[0], "settings" | "maximumInflight">;

function publishOne(
  parts: Parts,
  { topic, qos, retain }: Target,
  payload: Uint8Array,
  count: number,
  delay: number,
): void {
  let left = count;
  const next = (): void => {
    left--;
    link.session.publish(topic, payload, qos, retain);
  };
  const link = new BrokerLink({
    ...parts,
    stay: false,
    events: {
      connected: next,
      message: () => true,
      published() {
        // Later even without a delay: at QoS 0 this is told from within the call that publishes.
        if (left > 0) link.after(delay, next);
        else link.after(0, () => link.finish(0));
      },
    },
  });
  link.start(INTERRUPTED);
}

function publishLines(parts: Parts, { topic, qos, retain }: Target): void {
  let ended = false;
  const finishWhenDone = (): void => {
    if (ended && link.session.pending === 0) link.finish(0);
  };
  const lines = new LineSource(
    (line) => {
      link.session.publish(topic, line, qos, retain);
      if (link.session.pending > READ_AHEAD) lines.pause();
    },
    () => {
      ended = true;
      finishWhenDone();
    },
    (problem) => link.finish(Exit.failure, `Error: ${problem}`),
  );
  const link = new BrokerLink({
    ...parts,
    stay: false,
    events: {
      connected: () => lines.start(),
      message: () => true,
      published() {
        if (link.session.pending < READ_AHEAD) lines.resume();
        finishWhenDone();
      },
      finished: () => lines.stop(),
    },
  });
  link.start(INTERRUPTED);
}
