/** What a server may send as PUBLISH: valid topics and aliases, and no more at a time than was agreed. */
import { type DecodeFault, fault } from "../mqtt/decode-fault.ts";
import type { ProtocolLevel, PublishPacket } from "../mqtt/packets.ts";
import type { Properties } from "../mqtt/properties.ts";
import { Reason } from "../mqtt/reason-codes.ts";
import { IncomingAliases } from "./topic-aliases.ts";

const WILDCARD = /[+#]/;
/** Without a Receive Maximum the identifiers themselves are the limit. */
const ALL_IDENTIFIERS = 65535;

export class IncomingPublishes {
  readonly #receiveMaximum: number;
  readonly #aliases: IncomingAliases | undefined;
  /** QoS 1 and 2 messages that are not settled; counted only where a Receive Maximum is insisted on. */
  readonly #open: Set<number> | undefined;

  /** `connect`: the properties that CONNECT carried; `takesExcess`: see `MqttClientOptions`. */
  constructor(level: ProtocolLevel, connect: Properties | undefined, takesExcess = false) {
    this.#receiveMaximum = (takesExcess ? undefined : connect?.receiveMaximum) ?? ALL_IDENTIFIERS;
    this.#aliases = level === 5 ? new IncomingAliases(connect?.topicAliasMaximum ?? 0) : undefined;
    this.#open = this.#receiveMaximum < ALL_IDENTIFIERS ? new Set() : undefined;
  }

  /** The packet with the topic that its alias stands for, or what is wrong with it. */
  accept(packet: PublishPacket): PublishPacket | DecodeFault {
    const { qos, packetId, properties } = packet;
    const resolved = this.#resolve(packet);
    if (resolved.kind === "fault") return resolved;
    if (resolved.topic === "" || WILDCARD.test(resolved.topic)) {
      return fault(Reason.topicNameInvalid, "PUBLISH to an invalid topic name"); // [MQTT-3.3.2-2]
    }
    const { responseTopic } = properties ?? {};
    if (responseTopic !== undefined && WILDCARD.test(responseTopic)) {
      return fault(Reason.protocolError, "PUBLISH with a wildcard in its response topic"); // [MQTT-3.3.2-14]
    }
    if (qos > 0 && this.#open !== undefined) {
      this.#open.add(packetId);
      if (this.#open.size > this.#receiveMaximum) {
        const limit = `more than ${this.#receiveMaximum} at a time`;
        return fault(Reason.receiveMaximumExceeded, `PUBLISH of QoS 1 and 2, ${limit}`); // [MQTT-3.3.4-9]
      }
    }
    return resolved;
  }

  /** PUBACK, PUBCOMP or a PUBREC that refuses was sent. */
  settled(packetId: number): void {
    this.#open?.delete(packetId);
  }

  #resolve(packet: PublishPacket): PublishPacket | DecodeFault {
    const alias = packet.properties?.topicAlias;
    if (alias === undefined || this.#aliases === undefined) return packet;
    const topic = this.#aliases.resolve(packet.topic, alias);
    if (topic === undefined) {
      return fault(
        Reason.topicAliasInvalid,
        `PUBLISH with topic alias ${alias}, which is over the limit`,
      );
    }
    if (topic === "") {
      return fault(
        Reason.protocolError,
        `PUBLISH with topic alias ${alias}, which stands for nothing`,
      );
    }
    return topic === packet.topic ? packet : { ...packet, topic };
  }
}
