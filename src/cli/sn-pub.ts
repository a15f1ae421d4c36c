/** `midge sn-pub`: publishes as an MQTT-SN node, with mosquitto_pub's options. */
import { Command } from "commander";
import { encodeUtf8 } from "../bytes/utf8.ts";
import type { SnQoS, TopicReference } from "../mqttsn/packets.ts";
import { fail, topicName, wholeNumber } from "./connect-options.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import { LineSource, readWhole } from "./message-source.ts";
import { seconds, snQoS, topicId } from "./sn-option-values.ts";
import {
  addSnOptions,
  namedTopic,
  type SnFlags,
  type SnSettings,
  snSettings,
} from "./sn-options.ts";
import { SnSession } from "./sn-session.ts";

interface PubFlags extends SnFlags {
  readonly topic?: string | undefined;
  readonly predefined?: number | undefined;
  readonly short?: boolean | undefined;
  readonly message?: string | undefined;
  readonly nullMessage?: boolean | undefined;
  readonly file?: string | undefined;
  readonly stdinFile?: boolean | undefined;
  readonly stdinLine?: boolean | undefined;
  readonly qos: SnQoS;
  readonly retain?: boolean | undefined;
  readonly repeat: number;
  readonly repeatDelay: number;
}

/** Lines read ahead of the gateway's acknowledgements. */
const READ_AHEAD = 100;
/** What a UDP datagram over IPv4 holds, less the header of a PUBLISH in the 3-octet form, bytes. */
const LONGEST_PAYLOAD = 65_507 - 9;

export function command(): Command {
  const pub = new Command("sn-pub").description("publish messages as an MQTT-SN node, over UDP");
  return addSnOptions(pub)
    .option("-t, --topic <topic>", "topic to publish to", topicName)
    .option("--predefined <id>", "publish to a predefined topic id instead", topicId)
    .option("--short", "the topic is a short one of two octets, which is not registered")
    .option("-m, --message <message>", "the message")
    .option("-n, --null-message", "an empty message")
    .option("-f, --file <file>", "the content of a file as the message")
    .option("-s, --stdin-file", "all of standard input as the message")
    .option("-l, --stdin-line", "each line of standard input as a message")
    .option("-q, --qos <qos>", "quality of service; -1 sends without connecting", snQoS, 0)
    .option("-r, --retain", "retain the message")
    .option("--repeat <count>", "publish so many times", wholeNumber(1, Number.MAX_SAFE_INTEGER), 1)
    .option("--repeat-delay <seconds>", "wait between repetitions", seconds, 0)
    .addHelpText(
      "after",
      `
Examples:
  midge sn-pub -t home/door -m open -q 1
  midge sn-pub -h gateway.local --predefined 5 -m 21.5 -q -1
  midge sn-pub -t ab --short -m on
  read-sensor | midge sn-pub -t home/temperature -l

Exit codes are Mosquitto's: 0 published, 1 failed, 7 connection lost.`,
    )
    .action((_flags: unknown, self: Command) => run(self, self.opts<PubFlags>()));
}

interface Target {
  readonly topic: TopicReference;
  readonly qos: SnQoS;
  readonly retain: boolean;
}

function run(self: Command, flags: PubFlags): Promise<void> {
  const { message, nullMessage, file, stdinLine, stdinFile, qos } = flags;
  const settings = snSettings(self, flags);
  const topic = topicOf(self, flags);
  const sources = [message, nullMessage, file, stdinLine, stdinFile];
  const given = sources.filter((source) => source !== undefined).length;
  if (qos === -1 && topic.type === "name") {
    fail(self, "QoS -1 needs --predefined, or a topic of two octets with --short.");
  }
  if (given === 0) fail(self, "A message is needed (-m, -n, -f, -s or -l).");
  if (given > 1) fail(self, "Only one of -m, -n, -f, -s and -l can be given.");
  const payload = stdinLine === true ? undefined : readPayload(self, flags);
  const target = { topic, qos, retain: flags.retain === true };
  return runToExit(() =>
    withSession(settings, qos !== -1, (session) =>
      payload === undefined
        ? publishLines(session, target)
        : publishRepeatedly(session, { ...target, payload }, flags),
    ),
  );
}

function topicOf(self: Command, { topic, predefined, short }: PubFlags): TopicReference {
  if (topic !== undefined && predefined !== undefined) {
    fail(self, "Only one of -t and --predefined can be given.");
  }
  if (predefined !== undefined) return { type: "predefined", topicId: predefined };
  if (topic === undefined) fail(self, "A topic to publish to is needed (-t or --predefined).");
  return namedTopic(self, topic, short === true);
}

function readPayload(self: Command, { message, nullMessage, file }: PubFlags): Uint8Array {
  if (nullMessage === true) return new Uint8Array(0);
  const bytes = message === undefined ? readWhole(file) : encodeUtf8(message);
  if (typeof bytes === "string") fail(self, bytes);
  const problem = sizeProblem(bytes);
  if (problem !== undefined) fail(self, problem);
  return bytes;
}

function sizeProblem({ length }: Uint8Array): string | undefined {
  if (length <= LONGEST_PAYLOAD) return undefined;
  return `a message of ${length} bytes is too long: MQTT-SN over UDP carries ${LONGEST_PAYLOAD}.`;
}

async function withSession(
  settings: SnSettings,
  connects: boolean,
  work: (session: SnSession) => Promise<void>,
): Promise<Exit> {
  const session = await SnSession.open(settings, { message() {}, lost() {} });
  try {
    if (connects) await session.connect();
    await work(session);
  } catch (error) {
    session.abandon();
    throw error;
  }
  await session.close();
  return Exit.success;
}

async function publishRepeatedly(
  session: SnSession,
  publication: Target & { readonly payload: Uint8Array },
  { repeat, repeatDelay }: PubFlags,
): Promise<void> {
  for (let round = 0; round < repeat; round++) {
    if (round > 0 && repeatDelay > 0) await session.pause(repeatDelay);
    await session.publish(publication);
  }
}

function publishLines(session: SnSession, target: Target): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let waiting = 0;
    let ended = false;
    const published = (): void => {
      waiting--;
      if (waiting < READ_AHEAD) lines.resume();
      if (ended && waiting === 0) resolve();
    };
    const stop = (error: unknown): void => {
      lines.stop();
      reject(error);
    };
    const lines = new LineSource(
      (payload) => {
        const problem = sizeProblem(payload);
        if (problem !== undefined) return stop(new CommandFailure(problem));
        waiting++;
        if (waiting >= READ_AHEAD) lines.pause();
        session.publish({ ...target, payload }).then(published, stop);
      },
      () => {
        ended = true;
        if (waiting === 0) resolve();
      },
      (problem) => stop(new CommandFailure(problem)),
    );
    lines.start();
  });
}
