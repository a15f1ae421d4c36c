/** Publishes a will whose time has come [MQTT-3.1.2-8], if its owner may publish there now. */
import type { BrokerHooks } from "../seams/hooks.ts";
import { Message } from "../seams/message.ts";
import { isTopicName } from "../topics/names.ts";
import type { Broker } from "./broker.ts";
import { handedOn } from "./custody.ts";
import { mayWillPublish } from "./reserved-topics.ts";
import type { LeftWill } from "./will-delay.ts";

export function publishWill(
  broker: Broker,
  published: BrokerHooks["published"],
  { will, owner, stored, restored }: LeftWill,
): void {
  const { topic, payload, qos, properties, messageExpiry } = will;
  const { clientId, publisher } = owner;
  const { options, access, clock, log } = broker;
  if (!isTopicName(topic, options.maxTopicLevels) || !mayWillPublish(topic)) return;
  const rights = publisher === undefined ? owner.rights : access?.rightsOf?.(publisher);
  if (rights?.mayPublish(topic, payload, qos, will.retain) === false) {
    log.debug(`Denied the will of ${clientId} ('${topic}')`);
    return;
  }
  if (restored) {
    log.info(`Publishing the will of ${clientId} ('${topic}'), not back since the restart.`);
  }
  const expiresAt = messageExpiry === undefined ? undefined : clock.now() + messageExpiry * 1000;
  const retain = will.retain && options.retainAvailable;
  const message = new Message(topic, payload, qos, retain, false, properties, expiresAt);
  const passed = published === undefined ? message : published(message, owner, true);
  if (passed === undefined) return;
  const source = passed.topic === topic ? (publisher ?? rights?.publisher) : undefined;
  // Recipients who keep messages get records in the commit with which that of the will goes.
  broker.insert(passed, source, stored ? handedOn(undefined) : undefined);
}
