/** Encodes PUBLISH of MQTT 5.0 as one server takes it: within its limits, with its topic aliases. */
import type { ByteWriter } from "../bytes/byte-writer.ts";
import { encodePublish5 } from "../mqtt/encode.ts";
import type { Properties } from "../mqtt/properties.ts";
import type { QoS } from "../mqtt/qos.ts";
import { Reason, type ReasonCode } from "../mqtt/reason-codes.ts";
import { publishFault, type ServerLimits } from "./server-limits.ts";
import { OutgoingAliases } from "./topic-aliases.ts";

export class OutgoingPublishes {
  readonly #limits: ServerLimits;
  readonly #aliases: OutgoingAliases | undefined;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
    const { topicAliasMaximum } = limits;
    this.#aliases = topicAliasMaximum > 0 ? new OutgoingAliases(topicAliasMaximum) : undefined;
  }

  /** Appends the packet to `output`, or answers why this server must not be sent it. */
  encode(
    output: ByteWriter,
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    given: Properties | undefined,
  ): ReasonCode | undefined {
    const problem = publishFault(this.#limits, qos, retain, given);
    if (problem !== undefined) return problem;
    const aliases = this.#aliases;
    const start = output.length;
    let alias = 0;
    let name = topic;
    let properties = given;
    if (aliases !== undefined) {
      alias = given?.topicAlias ?? (aliases.known(topic) || aliases.next(topic));
      if (alias > 0 && given?.topicAlias === undefined)
        properties = { ...given, topicAlias: alias };
      if (aliases.stands(alias, topic)) name = "";
    }
    encodePublish5(output, name, payload, qos, retain, dup, packetId, properties);
    if (output.length - start > this.#limits.maximumPacketSize) {
      output.length = start;
      return Reason.packetTooLarge; // [MQTT-3.2.2-15]
    }
    if (alias > 0) aliases?.bind(alias, topic);
    return undefined;
  }
}
