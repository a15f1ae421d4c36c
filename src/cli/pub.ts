/** `midge pub`: publishes MQTT messages, with mosquitto_pub's options. */
import { Command } from "commander";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import { isFailure, Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import type { Answer } from "../mqtt-client/client-owner.ts";
import { reasonText } from "../mqtt-client/reason-text.ts";
import { BrokerLink } from "./broker-link.ts";
import {
  addConnectOptions,
  addProtocol5Options,
  type ConnectFlags,
  type ConnectSettings,
  connectSettings,
} from "./connect-options.ts";
import { Exit } from "./exit-codes.ts";
import {
  addMessageOptions,
  type MessageFlags,
  payloadOf,
  publishTopic,
} from "./message-options.ts";
import { LineSource } from "./message-source.ts";
import { parseQos, parseSeconds, wholeNumber } from "./option-values.ts";

export { joinProperties as arrange } from "./property-options.ts";

interface PubFlags extends ConnectFlags, MessageFlags {
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
  addMessageOptions(addConnectOptions(pub))
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
    );
  return addProtocol5Options(pub).action((_flags: unknown, self: Command) =>
    run(self, self.opts<PubFlags>()),
  );
}

function run(self: Command, flags: PubFlags): void {
  const settings = connectSettings(self, flags);
  const topic = publishTopic(self, flags);
  const payload = payloadOf(self, flags);
  const publisher = new Publisher(settings, flags.maxInflight, {
    topic,
    qos: flags.qos,
    retain: flags.retain === true,
    properties: settings.sets.publish,
  });
  if (payload === undefined) publisher.publishLines();
  else publisher.publishOne(payload, flags.repeat, flags.repeatDelay * 1000);
}

interface Target {
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties | undefined;
}

class Publisher {
  readonly #target: Target;
  readonly #link: BrokerLink;
  /** What follows when the link stands, when a message is done with, and when all is over. */
  #connected: () => void = () => {};
  #published: () => void = () => {};
  #finished: () => void = () => {};
  #warned = false;

  constructor(settings: ConnectSettings, maximumInflight: number, target: Target) {
    this.#target = target;
    this.#link = new BrokerLink({
      settings,
      maximumInflight,
      stay: false,
      events: {
        connected: () => this.#connected(),
        message: () => true,
        published: (ticket, answer) => {
          this.#tell(ticket, answer);
          this.#published();
        },
        unsendable: (_ticket, reason) => this.#unsendable(reason),
        finished: () => this.#finished(),
      },
    });
  }

  publishOne(payload: Uint8Array, count: number, delay: number): void {
    const link = this.#link;
    let left = count;
    const next = (): void => {
      left--;
      this.#publish(payload);
    };
    this.#connected = next;
    this.#published = () => {
      // Later even without a delay: at QoS 0 this is told from within the call that publishes.
      if (left > 0) link.after(delay, next);
      else link.after(0, () => link.finish(Exit.success));
    };
    link.start(INTERRUPTED);
  }

  publishLines(): void {
    const link = this.#link;
    let ended = false;
    const finishWhenDone = (): void => {
      if (ended && link.session.pending === 0) link.finish(Exit.success);
    };
    const lines = new LineSource(
      (line) => {
        this.#publish(line);
        if (link.session.pending > READ_AHEAD) lines.pause();
      },
      () => {
        ended = true;
        finishWhenDone();
      },
      (problem) => link.finish(Exit.failure, `Error: ${problem}`),
    );
    this.#connected = () => lines.start();
    this.#published = () => {
      if (link.session.pending < READ_AHEAD) lines.resume();
      finishWhenDone();
    };
    this.#finished = () => lines.stop();
    link.start(INTERRUPTED);
  }

  #publish(payload: Uint8Array): void {
    const { topic, qos, properties } = this.#target;
    this.#link.session.publish(topic, payload, qos, this.#retain(), properties);
  }

  /** A broker that keeps no messages must not be asked to [MQTT-3.2.2-14]; the message goes out all the same. */
  #retain(): boolean {
    const { retain } = this.#target;
    if (!retain || this.#link.client?.limits.retainAvailable !== false) return retain;
    if (!this.#warned) this.#link.complain("Warning: The broker retains no messages.");
    this.#warned = true;
    return false;
  }

  /** Tells of a message that the broker has refused. */
  #tell(ticket: number, { reasonCode, properties }: Answer): void {
    if (!isFailure(reasonCode)) return;
    this.#link.complain(`Warning: Publish ${ticket} failed: ${reasonText(reasonCode)}.`);
    if (properties?.reasonString !== undefined) this.#link.complain(properties.reasonString);
  }

  #unsendable(reason: ReasonCode): void {
    const limits = this.#link.client?.limits;
    switch (reason) {
      case Reason.qosNotSupported:
        this.#link.finish(
          Exit.qosNotSupported,
          `Error: Message QoS not supported on broker, try a lower QoS: ${limits?.maximumQos} at most.`,
        );
        return;
      case Reason.packetTooLarge:
        this.#link.finish(
          Exit.tooLarge,
          `Error: Message payload is too large: the broker takes packets of ${limits?.maximumPacketSize} bytes at most.`,
        );
        return;
      case Reason.topicAliasInvalid:
        this.#link.finish(
          Exit.failure,
          `Error: The broker takes topic aliases up to ${limits?.topicAliasMaximum} only.`,
        );
        return;
      default:
        this.#link.finish(Exit.failure, `Error: Publishing failed: ${reasonText(reason)}.`);
    }
  }
}
