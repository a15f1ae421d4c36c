/** PUBLISH of QoS -1 from those who never connect (MQTT-SN 1.2 §6.8, §7.1). */
import type { Publish } from "../mqttsn/packets.ts";
import { shortTopicName } from "../mqttsn/short-topic.ts";
import type { Client, Peer } from "../seams/door.ts";
import { Message } from "../seams/message.ts";
import { isTopicName } from "../topics/names.ts";
import type { Core } from "./core.ts";

/** The one client under whose identity all of them publish. */
export class QosMinusOne implements Peer {
  readonly #core: Core;
  #client: Client | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Publishes where policy and topic allow; false where not. Nobody is answered either way. */
  publish(message: Publish): boolean {
    const { options } = this.#core;
    if (options.qosMinusOne === "deny") return false;
    const topic = this.#topicOf(message);
    if (topic === undefined || !isTopicName(topic, options.maxTopicLevels)) return false;
    this.#client ??= this.#enter();
    const published = new Message(topic, message.payload, 0, message.retain, true);
    const outcome = this.#client?.publish(published, 0);
    return outcome !== undefined && outcome < 0x80;
  }

  leave(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.leave("normal");
  }

  #topicOf(message: Publish): string | undefined {
    switch (message.topicIdType) {
      case "predefined":
        return this.#core.predefined.nameOf("", message.topicId);
      case "short":
        return shortTopicName(message.topicId);
      case "normal":
        return undefined;
    }
  }

  #enter(): Client | undefined {
    const { door, options } = this.#core;
    const entry = door.enter(
      {
        clientId: options.qosMinusOneClientId,
        cleanStart: true,
        persistent: false,
        origin: "mqtt-sn",
        remote: "QoS -1",
        receiveMaximum: 1,
        queueQos0: false,
      },
      this,
    );
    return entry.ok ? entry.client : undefined;
  }

  // It subscribes to nothing, and publishes nothing that is acknowledged.
  deliver(): void {}

  release(): void {}

  published(): void {}

  completed(): void {}

  evicted(): void {
    this.#client = undefined;
  }
}
