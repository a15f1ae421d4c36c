/** PUBLISH of QoS -1 from those who never connect (MQTT-SN 1.2 §6.8, §7.1). */
import { isFailure, Reason } from "../mqtt/reason-codes.ts";
import type { Publish } from "../mqttsn/packets.ts";
import { shortTopicName } from "../mqttsn/short-topic.ts";
import type { Rights } from "../seams/access.ts";
import type { Client, Peer } from "../seams/door.ts";
import type { LinkAddress } from "../seams/link.ts";
import { Message } from "../seams/message.ts";
import { isTopicName } from "../topics/names.ts";
import type { Core } from "./core.ts";
import { isOut, type NodeAdmission } from "./node-access.ts";

/** Access control that has refused is asked again after so long, ms. */
const ASK_AGAIN = 10_000;

/** What those on one link may do. */
interface LinkStanding {
  /** Undefined until access control has answered. */
  admission: NodeAdmission | undefined;
  /** Monotonic ms. */
  askedAt: number;
}

/** The one client under whose identity all of them publish. */
export class QosMinusOne implements Peer {
  readonly #core: Core;
  readonly #rights: Rights;
  /** By link, as rules may differ from link to link. */
  readonly #standings = new Map<string, LinkStanding>();
  #client: Client | undefined;
  /** What the one who publishes now may do, if there are rules. */
  #sender: Rights | undefined;

  constructor(core: Core) {
    this.#core = core;
    this.#rights = this.#rightsOfSender();
  }

  /**
   * Publishes where policy, access rules and topic allow; answers why not otherwise, in words. The
   * sender is told nothing either way.
   */
  publish(message: Publish, link: string, from: LinkAddress): string | undefined {
    const { options, admission } = this.#core;
    if (options.qosMinusOne === "deny") return "it is not taken here";
    const topic = this.#topicOf(message);
    if (topic === undefined || !isTopicName(topic, options.maxTopicLevels)) {
      return `topic id ${message.topicId} stands for no topic`;
    }
    if (!admission.admitsUnconnected(link, from)) return "its sender is not let in";
    const { payload, retain } = message;
    const identity = this.#identityOn(link, from);
    if (identity === undefined) return "access control does not let it in";
    this.#client ??= this.#enter(identity.username);
    this.#sender = identity.rights;
    const published = new Message(topic, payload, 0, retain, true);
    const outcome = this.#client?.publish(published, 0);
    if (outcome === undefined) return "the broker is busy";
    if (outcome === Reason.notAuthorized) {
      return `access rules do not allow it on ${JSON.stringify(topic)}`;
    }
    return isFailure(outcome) ? `the broker refuses it (0x${outcome.toString(16)})` : undefined;
  }

  /** Access control may decide otherwise now: it is asked anew. */
  rulesChanged(): void {
    this.#standings.clear();
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

  #identityOn(link: string, from: LinkAddress) {
    const { access, clock, options } = this.#core;
    let standing = this.#standings.get(link);
    const { admission } = standing ?? {};
    if (admission !== undefined && !("refused" in admission) && !isOut(admission.rights)) {
      return admission;
    }
    const now = clock.now();
    if (standing !== undefined && now - standing.askedAt < ASK_AGAIN) return undefined;
    const asked: LinkStanding = { admission: undefined, askedAt: now };
    standing = asked;
    this.#standings.set(link, asked);
    access.admit(options.qosMinusOneClientId, link, from, (answer) => {
      asked.admission = answer;
    });
    const { admission: fresh } = asked;
    return fresh === undefined || "refused" in fresh ? undefined : fresh;
  }

  /** Of the session, which is that of all links: those of whoever publishes at the moment. */
  #rightsOfSender(): Rights {
    const sender = (): Rights | undefined => this.#sender;
    return {
      get publisher() {
        return sender()?.publisher;
      },
      // Without rules everything goes but managing the broker.
      mayPublish: (topic, ...more) =>
        sender()?.mayPublish(topic, ...more) ?? !topic.startsWith("$CONTROL"),
      maySubscribe: () => false,
      mayUnsubscribe: () => false,
      mayReceive: () => false,
    };
  }

  #enter(username: string | undefined): Client | undefined {
    const { door, options } = this.#core;
    const entry = door.enter(
      {
        clientId: options.qosMinusOneClientId,
        cleanStart: true,
        persistent: false,
        origin: "mqtt-sn",
        remote: "QoS -1",
        username,
        rights: this.#rights,
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
