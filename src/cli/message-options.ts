/** The options that say what is published: -m, -n, -f and -s, and the topic. */
import type { Command } from "commander";
import { encodeUtf8 } from "../bytes/utf8.ts";
import { isTopicName, LONGEST_TOPIC } from "../topics/names.ts";
import { readWhole } from "./message-source.ts";
import { fail, topicName } from "./option-values.ts";
import type { ServerUrl } from "./server-url.ts";

/** As commander hands them over. */
export interface MessageFlags {
  readonly topic?: string | undefined;
  readonly url?: ServerUrl | undefined;
  readonly message?: string | undefined;
  readonly nullMessage?: boolean | undefined;
  readonly file?: string | undefined;
  readonly stdinFile?: boolean | undefined;
  /** Of commands that can take each line for a message. */
  readonly stdinLine?: boolean | undefined;
}

export function addMessageOptions(command: Command): Command {
  return command
    .option("-t, --topic <topic>", "topic to publish to", topicName)
    .option("-m, --message <message>", "the message")
    .option("-n, --null-message", "an empty message")
    .option("-f, --file <file>", "the content of a file as the message")
    .option("-s, --stdin-file", "all of standard input as the message");
}

/** The topic to publish to. Ends the program where there is none. */
export function publishTopic(command: Command, { topic, url }: MessageFlags): string {
  const chosen = topic ?? url?.topic;
  if (chosen === undefined) fail(command, "A topic to publish to is needed (-t).");
  if (!isTopicName(chosen, LONGEST_TOPIC)) fail(command, `"${chosen}" is no topic to publish to.`);
  return chosen;
}

/** Undefined where each line of standard input is a message. Ends the program where there is none, or two. */
export function payloadOf(command: Command, flags: MessageFlags): Uint8Array | undefined {
  const { message, nullMessage, file, stdinFile, stdinLine } = flags;
  const sources = [message, nullMessage, file, stdinFile, stdinLine];
  const given = sources.filter((source) => source !== undefined).length;
  const lines = command.options.some(({ long }) => long === "--stdin-line");
  const letters = lines ? "-m, -n, -f, -s or -l" : "-m, -n, -f or -s";
  if (given === 0) fail(command, `A message is needed (${letters}).`);
  if (given > 1) fail(command, `Only one of ${letters.replace(" or ", " and ")} can be given.`);
  if (stdinLine === true) return undefined;
  if (message !== undefined) return encodeUtf8(message);
  if (nullMessage === true) return new Uint8Array(0);
  const bytes = readWhole(file);
  if (typeof bytes === "string") fail(command, bytes);
  if (file === undefined && bytes.length === 0) fail(command, "Standard input is empty.");
  return bytes;
}
