/** `midge ctrl`: manages a running broker by its `$CONTROL` topics, with mosquitto_ctrl's words. */
import { randomBytes } from "node:crypto";
import { Command } from "commander";
import { encodeUtf8 } from "../bytes/utf8.ts";
import { field, isObject, type JsonObject, listField, textField } from "../control/json-fields.ts";
import { askPassword } from "./ask-password.ts";
import { BrokerLink } from "./broker-link.ts";
import {
  addConnectOptions,
  type ConnectFlags,
  type ConnectSettings,
  connectSettings,
} from "./connect-options.ts";
import { describeAnswer } from "./control-answers.ts";
import type { ControlRequest, Words } from "./control-words.ts";
import { initialise, setPassword } from "./dynsec-file.ts";
import { DYNSEC_COMMANDS, questionFor, readDynsecWords } from "./dynsec-words.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import { GATEWAY_COMMANDS, GATEWAY_HELP, readGatewayWords } from "./gateway-words.ts";
import { takeOptionsFile } from "./options-file.ts";

interface CtrlFlags extends ConnectFlags {
  readonly file?: string | undefined;
  readonly options?: string | undefined;
}

interface Exchange {
  readonly topic: string;
  readonly command: JsonObject;
}

const DYNSEC_TOPIC = "$CONTROL/dynamic-security/v1";
const BROKER_TOPIC = "$CONTROL/broker/v1";
const GATEWAY_TOPIC = "$CONTROL/gateway/v1";
const BROKER_COMMANDS = ["listListeners", "listPlugins"];
/** How long the broker may take to answer, ms. */
const PATIENCE = 10_000;
const INTERRUPTED = 130;

export function command(): Command {
  const ctrl = new Command("ctrl")
    .description("manage a running broker, like mosquitto_ctrl")
    .argument(
      "<module>",
      '"dynsec" for clients, groups and roles, "broker" for the broker itself, "gateway" for MQTT-SN nodes',
    )
    .argument("[words...]", "the command and what it needs")
    .enablePositionalOptions()
    .passThroughOptions();
  return addConnectOptions(ctrl)
    .option(
      "-o, --options <file>",
      "more of these options, one on a line; the command line counts first",
    )
    .option("-f, --file <file>", "with setClientPassword: change this file, not a running broker")
    .addHelpText("after", helpText())
    .action((name: string, words: string[], flags: CtrlFlags, self: Command) =>
      runToExit(() => {
        const { options } = flags;
        if (options === undefined) return run(self, name, words, flags);
        takeOptionsFile(self, options, () => addConnectOptions(new Command()));
        return run(self, name, words, self.opts<CtrlFlags>());
      }),
    );
}

function helpText(): string {
  const linesOf = (commands: Readonly<Record<string, Words>>): string =>
    Object.entries(commands)
      .map(([name, { usage }]) => `  ${name} ${usage}`.trimEnd())
      .join("\n");
  return `
Commands of dynsec:
  init FILE USERNAME [PASSWORD]
${linesOf(DYNSEC_COMMANDS)}
ACLTYPE is publishClientSend, publishClientReceive, subscribeLiteral, subscribePattern,
unsubscribeLiteral or unsubscribePattern; with setDefaultACLAccess also subscribe or unsubscribe.
Higher priorities are looked at first.

Commands of broker: ${BROKER_COMMANDS.join(", ")}

Commands of gateway:
${linesOf(GATEWAY_COMMANDS)}
${GATEWAY_HELP}`;
}

async function run(
  self: Command,
  name: string,
  words: readonly string[],
  flags: CtrlFlags,
): Promise<Exit> {
  const [first = ""] = words;
  if ((name === "dynsec" || name === "gateway") && (first === "" || first === "help")) {
    self.outputHelp();
    return first === "" ? Exit.failure : Exit.success;
  }
  if (name === "dynsec" && first.toLowerCase() === "init") return init(words.slice(1));
  const exchange = await exchangeFor(name, words, flags);
  if (exchange === undefined) return Exit.success;
  const settings = await withPassword(connectSettings(self, flags));
  return carryOut(settings, exchange);
}

/** undefined where all is done already, in a file. */
async function exchangeFor(
  name: string,
  words: readonly string[],
  flags: CtrlFlags,
): Promise<Exchange | undefined> {
  switch (name) {
    case "dynsec":
      return dynsec(words, flags);
    case "broker":
      return broker(words);
    case "gateway":
      return { topic: GATEWAY_TOPIC, command: readGatewayWords(words).command };
    default:
      throw new CommandFailure(
        `There is no module '${name}'; there are dynsec, broker and gateway.`,
      );
  }
}

async function init([file, username, given, ...rest]: readonly string[]): Promise<Exit> {
  if (file === undefined || username === undefined || rest.length > 0) {
    throw new CommandFailure("It must be: dynsec init FILE USERNAME [PASSWORD]");
  }
  const { question, repeated } = questionFor(username, false);
  await initialise(file, username, given ?? (await askPassword(question, repeated)));
  process.stdout.write(
    `The client '${username}' has been created in the file '${file}'.\n` +
      "It may manage clients, groups and roles, and read, but not publish to other topics.\n",
  );
  return Exit.success;
}

async function dynsec(
  words: readonly string[],
  { file }: CtrlFlags,
): Promise<Exchange | undefined> {
  const request = readDynsecWords(words);
  const answered = await withAnswer(request);
  if (file === undefined) return { topic: DYNSEC_TOPIC, command: answered };
  const { command, username, password } = answered;
  if (command !== "setClientPassword" || typeof password !== "string") {
    throw new CommandFailure("-f goes with setClientPassword only.");
  }
  await setPassword(file, String(username), password);
  return undefined;
}

async function withAnswer({ command, ask }: ControlRequest): Promise<JsonObject> {
  if (ask === undefined) return command;
  const password = await askPassword(ask.question, ask.repeated);
  if (password !== "") return { ...command, password };
  if (ask.optional) return command;
  throw new CommandFailure("The password is empty.");
}

function broker([word = "", ...rest]: readonly string[]): Exchange {
  const command = BROKER_COMMANDS.find((known) => known.toLowerCase() === word.toLowerCase());
  if (command === undefined || rest.length > 0) {
    throw new CommandFailure(`Command '${word}' not recognised: ${BROKER_COMMANDS.join(", ")}.`);
  }
  return { topic: BROKER_TOPIC, command: { command } };
}

async function withPassword(settings: ConnectSettings): Promise<ConnectSettings> {
  const { username, password } = settings;
  if (username === undefined || password !== undefined) return settings;
  return { ...settings, password: encodeUtf8(await askPassword(`Password for ${username}: `)) };
}

/** Sends the command and prints its answer. Ends with a failure where there is none, or it is an error. */
function carryOut(settings: ConnectSettings, { topic, command }: Exchange): Promise<Exit> {
  // Other programs may be at it, too, and see the same answers.
  const correlationData = randomBytes(8).toString("hex");
  const payload = encodeUtf8(JSON.stringify({ commands: [{ ...command, correlationData }] }));
  return new Promise((resolve) => {
    const end = (code: Exit, problem?: string): void => {
      link.finish(code, problem);
      resolve(code);
    };
    const link = new BrokerLink({
      settings,
      stay: false,
      events: {
        connected: () => {
          link.client?.subscribe([{ filter: `${topic}/response`, qos: 1 }]);
          link.after(PATIENCE, () =>
            end(Exit.timeout, "Error: The broker does not answer. May this user manage it?"),
          );
        },
        subscribed: (_packetId, codes) => {
          if (codes.every((code) => code < 0x80)) link.session.publish(topic, payload, 1, false);
          else end(Exit.failure, "Error: This user may not manage the broker.");
        },
        message: (packet) => {
          const response = responseTo(packet.payload, correlationData);
          if (response !== undefined) end(print(response));
          return true;
        },
        published: () => {},
        finished: () => resolve(process.exitCode as Exit),
      },
    });
    link.start(INTERRUPTED);
  });
}

function print(response: JsonObject): Exit {
  const command = textField(response, "command") ?? "";
  const error = textField(response, "error");
  if (error !== undefined) {
    process.stderr.write(`${command}: Error: ${error}.\n`);
    return Exit.failure;
  }
  const data = field(response, "data");
  if (isObject(data)) process.stdout.write(describeAnswer(command, data));
  return Exit.success;
}

/** Our response in an answer to anybody; a broker that understood nothing says so to all. */
function responseTo(payload: Uint8Array, correlationData: string): JsonObject | undefined {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return undefined;
  }
  const responses = isObject(json) ? (listField(json, "responses") ?? []) : [];
  return responses
    .filter(isObject)
    .find((response) => textField(response, "correlationData") === correlationData);
}
