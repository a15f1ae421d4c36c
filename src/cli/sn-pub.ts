/** `midge sn-pub`: publishes as an MQTT-SN node, with mosquitto_pub's options. */
import { Command } from "commander";
import type { SnQoS, TopicReference } from "../mqttsn/packets.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import { addMessageOptions, type MessageFlags, payloadOf } from "./message-options.ts";
import { LineSource } from "./message-source.ts";
import { fail, wholeNumber } from "./option-values.ts";
import { seconds, snQoS, topicId } from "./sn-option-values.ts";
import {
  addSnOptions,
  namedTopic,
  type SnFlags,
  type SnSettings,
  snSettings,
} from "./sn-options.ts";
import { SnSession } from "./sn-session.ts";

interface PubFlags extends SnFlags, Omit<MessageFlags, "url"> {
  readonly predefined?: number | undefined;
  readonly short?: boolean | undefined;
  readonly qos: SnQoS;
  readonly retain?: boolean | undefined;
  readonly repeat: number;
  /** Milliseconds. */
  readonly repeatDelay: number;
}

/** Lines read ahead of the gateway's acknowledgements. */
const READ_AHEAD = 100;
/** The header of a PUBLISH with a 3-octet Length. */
const HEADER = 9;

export function command(): Command {
  const pub = new Command("sn-pub").description("publish messages as an MQTT-SN node");
  return addMessageOptions(addSnOptions(pub))
    .option("--predefined <id>", "publish to a predefined topic id instead", topicId)
    .option("--short", "the topic is a short one of two octets, which is not registered")
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
  midge sn-pub --search -t ab --short -m on
  midge sn-pub --serial /dev/ttyUSB0 --framing slip -t home/door -m open -q 1
  midge sn-pub -i door -c --new-will-payload "gone since noon"
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
  const { qos } = flags;
  const settings = snSettings(self, flags);
  if (isOnlyForWill(settings, flags)) {
    return runToExit(() => withSession(settings, true, () => Promise.resolve()));
  }
  const topic = topicOf(self, flags);
  if (qos === -1 && topic.type === "name") {
    fail(self, "QoS -1 needs --predefined, or a topic of two octets with --short.");
  }
  const payload = payloadOf(self, flags);
  const target = { topic, qos, retain: flags.retain === true };
  return runToExit(() =>
    withSession(settings, qos !== -1, (session) =>
      payload === undefined
        ? publishLines(session, target)
        : publishRepeatedly(session, { ...target, payload }, flags),
    ),
  );
}

/** A node may connect for the sake of its will alone. */
function isOnlyForWill({ will, willUpdate }: SnSettings, flags: PubFlags): boolean {
  const { topic, predefined, message, nullMessage, file, stdinFile, stdinLine } = flags;
  const others = [topic, predefined, message, nullMessage, file, stdinFile, stdinLine];
  const changes = willUpdate !== undefined || will !== undefined;
  return changes && others.every((other) => other === undefined);
}

function topicOf(self: Command, { topic, predefined, short }: PubFlags): TopicReference {
  if (topic !== undefined && predefined !== undefined) {
    fail(self, "Only one of -t and --predefined can be given.");
  }
  if (predefined !== undefined) return { type: "predefined", topicId: predefined };
  if (topic === undefined) fail(self, "A topic to publish to is needed (-t or --predefined).");
  return namedTopic(self, topic, short === true);
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

/** Rejects with CommandFailure, as MQTT-SN has no means to tell of a message that is too long. */
async function publish(
  session: SnSession,
  publication: Target & { readonly payload: Uint8Array },
): Promise<void> {
  const { length } = publication.payload;
  const longest = session.maximumFrame - HEADER;
  if (length > longest) {
    const why = `MQTT-SN carries ${longest} here`;
    throw new CommandFailure(`a message of ${length} bytes is too long: ${why}.`, Exit.tooLarge);
  }
  await session.publish(publication);
}

async function publishRepeatedly(
  session: SnSession,
  publication: Target & { readonly payload: Uint8Array },
  { repeat, repeatDelay }: PubFlags,
): Promise<void> {
  for (let round = 0; round < repeat; round++) {
    if (round > 0 && repeatDelay > 0) await session.pause(repeatDelay);
    await publish(session, publication);
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
        waiting++;
        if (waiting >= READ_AHEAD) lines.pause();
        publish(session, { ...target, payload }).then(published, stop);
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
