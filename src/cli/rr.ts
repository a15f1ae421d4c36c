/** `midge rr`: publishes a request and prints the response to it, with mosquitto_rr's options. */
import { Command } from "commander";
import type { PublishPacket } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason } from "../mqtt/reason-codes.ts";
import { reasonText } from "../mqtt-client/reason-text.ts";
import { BrokerLink } from "./broker-link.ts";
import {
  addConnectOptions,
  addProtocol5Options,
  type ConnectFlags,
  type ConnectSettings,
  connectSettings,
  orEnd,
} from "./connect-options.ts";
import { Exit } from "./exit-codes.ts";
import type { Formatter } from "./message-format.ts";
import {
  addMessageOptions,
  type MessageFlags,
  payloadOf,
  publishTopic,
} from "./message-options.ts";
import { fail, parseQos, topicName, wholeNumber } from "./option-values.ts";
import {
  addOutputOptions,
  arrivedNow,
  formatterOf,
  type OutputFlags,
  subscriptionFlags,
} from "./output-options.ts";
import { withProperty } from "./property-options.ts";

export { joinProperties as arrange } from "./property-options.ts";

interface RrFlags extends ConnectFlags, MessageFlags, OutputFlags {
  readonly responseTopic?: string | undefined;
  readonly qos: QoS;
  readonly timeout?: number | undefined;
  readonly latency?: boolean | undefined;
}

interface Request {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly responseTopic: string;
  readonly properties: Properties | undefined;
}

const INTERRUPTED = 130;

export function command(): Command {
  const rr = new Command("rr").description(
    "publish a request and print the response, like mosquitto_rr",
  );
  const many = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  addMessageOptions(addConnectOptions(rr, 5))
    .option("-e, --response-topic <topic>", "topic that the response comes on", topicName)
    .option("-q, --qos <qos>", "quality of service, of request and response", parseQos, 0)
    .option("-W, --timeout <seconds>", "wait so many seconds, else end with exit code 27", many)
    .option("--latency", "print how long the response took");
  return addProtocol5Options(addOutputOptions(rr)).action((_flags: unknown, self: Command) =>
    run(self, self.opts<RrFlags>()),
  );
}

function run(self: Command, flags: RrFlags): void {
  const settings = connectSettings(self, flags);
  const topic = publishTopic(self, flags);
  const { responseTopic } = flags;
  if (responseTopic === undefined) fail(self, "A topic for the response is needed (-e).");
  const payload = payloadOf(self, flags) as Uint8Array;
  const properties = orEnd(self, () =>
    withProperty(settings.sets.publish, "publish", "responseTopic", responseTopic),
  );
  const formatter = formatterOf(self, flags);
  const request = { topic, payload, responseTopic, properties };
  new Requester(settings, flags, request, formatter).start();
}

class Requester {
  readonly #flags: RrFlags;
  readonly #request: Request;
  readonly #formatter: Formatter;
  readonly #link: BrokerLink;
  #sentAt = 0;
  #answered = false;

  constructor(settings: ConnectSettings, flags: RrFlags, request: Request, formatter: Formatter) {
    this.#flags = flags;
    this.#request = request;
    this.#formatter = formatter;
    this.#link = new BrokerLink({
      settings,
      stay: false,
      events: {
        connected: () => this.#subscribe(),
        subscribed: (_packetId, [code = 0]) => this.#subscribed(code),
        message: (packet) => this.#message(packet),
        published: (_ticket, { reasonCode, properties }) => {
          const said = properties?.reasonString;
          if (isFailure(reasonCode))
            this.#refused(reasonCode, said === undefined ? "" : ` (${said})`);
        },
        unsendable: (_ticket, reason) => this.#refused(reason, ""),
      },
    });
  }

  start(): void {
    process.stdout.on("error", () => this.#link.finish(Exit.success));
    this.#link.start(INTERRUPTED, Reason.disconnectWithWill);
    const { timeout } = this.#flags;
    if (timeout === undefined) return;
    this.#link.after(timeout * 1000, () =>
      this.#link.finish(Exit.timeout, "Timed out", Reason.disconnectWithWill),
    );
  }

  #subscribe(): void {
    const { qos, retained } = this.#flags;
    const { client, settings } = this.#link;
    const options = { qos, ...subscriptionFlags(this.#flags, retained) };
    const subscriptions = [{ filter: this.#request.responseTopic, ...options }];
    client?.subscribe(subscriptions, settings.sets.subscribe);
  }

  #subscribed(code: number): void {
    if (isFailure(code)) {
      this.#link.finish(Exit.failure, `Error: The response topic was denied: ${reasonText(code)}.`);
      return;
    }
    const { topic, payload, properties } = this.#request;
    this.#sentAt = performance.now();
    this.#link.session.publish(topic, payload, this.#flags.qos, false, properties);
  }

  #message(packet: PublishPacket): boolean {
    if (this.#answered) return false;
    if (packet.retain && !this.#flags.retained) return true;
    this.#answered = true;
    const took = performance.now() - this.#sentAt;
    const complain = (problem: string): void => this.#link.complain(problem);
    process.stdout.write(this.#formatter(packet, arrivedNow(), complain));
    if (this.#flags.latency === true) process.stdout.write(`Latency: ${took.toFixed(3)}ms\n`);
    // The response is to be acknowledged first.
    this.#link.after(0, () => this.#link.finish(Exit.success));
    return true;
  }

  #refused(reason: number, said: string): void {
    this.#link.finish(
      Exit.failure,
      `Error: The request was refused: ${reasonText(reason)}${said}.`,
    );
  }
}
