/**
 * What a node does in order, with identifiers that fit: connects, with or without a will, registers,
 * subscribes, publishes, sleeps and wakes; then out of step, as frames are lost, doubled and swapped.
 */
import type { SnMessage, SnQoS } from "../../src/mqttsn/packets.ts";
import type { Dice } from "./dice.ts";

/** Others than those of `sn-datagrams.ts` use, so that these get somewhere, and enough to fill tables. */
function clientId(dice: Dice): string {
  return `s${dice.below(200)}`;
}

function bytes(dice: Dice): Uint8Array {
  return dice.bytes(dice.chance(0.95) ? dice.below(60) : 300);
}

/** Whole and in step. */
function sequence(dice: Dice): SnMessage[] {
  const id = clientId(dice);
  const will = dice.chance(0.3);
  const messages: SnMessage[] = [
    {
      kind: "connect",
      clientId: id,
      cleanSession: dice.chance(0.5),
      will,
      duration: dice.pick([1, 2, 3]),
      protocolId: 1,
    },
  ];
  if (will) {
    messages.push({ kind: "willtopic", topic: "will/x", qos: 1, retain: false });
    messages.push({ kind: "willmsg", payload: bytes(dice) });
  }
  const name = `r/${dice.below(20)}`;
  messages.push({ kind: "register", topicId: 0, messageId: 1, topicName: name });
  const filter = dice.pick([name, "r/#", "t/#", "n/+"]);
  const topic = { type: "name", name: filter } as const;
  messages.push({ kind: "subscribe", dup: false, qos: qos(dice), messageId: 2, topic });
  for (let count = 1 + dice.below(5); count > 0; count--) messages.push(...publishing(dice, count));
  // What the gateway may have sent meanwhile, answered on the off-chance.
  for (let n = 1; n <= 3; n++) {
    messages.push({
      kind: "regack",
      topicId: n,
      messageId: n,
      returnCode: dice.pick([0, 0, 1, 2, 3]),
    });
    messages.push({
      kind: "puback",
      topicId: 1,
      messageId: n,
      returnCode: dice.pick([0, 0, 1, 2, 3]),
    });
    messages.push({ kind: "pubrec", messageId: n }, { kind: "pubcomp", messageId: n });
  }
  if (dice.chance(0.6)) {
    messages.push({ kind: "disconnect", duration: dice.pick([1, 2, 3]) });
    for (let count = dice.below(3); count > 0; count--) {
      messages.push({ kind: "pingreq", clientId: id });
      messages.push({ kind: "puback", topicId: 1, messageId: count, returnCode: 0 });
    }
  }
  if (dice.chance(0.5)) messages.push({ kind: "disconnect", duration: undefined });
  return messages;
}

function qos(dice: Dice): SnQoS {
  return dice.pick<SnQoS>([0, 1, 1, 2, 2]);
}

function publishing(dice: Dice, messageId: number): SnMessage[] {
  const level = qos(dice);
  const publish: SnMessage = {
    kind: "publish",
    dup: false,
    qos: level,
    retain: dice.chance(0.1),
    topicIdType: "normal",
    topicId: 1,
    messageId,
    payload: bytes(dice),
  };
  return level === 2 ? [publish, { kind: "pubrel", messageId }] : [publish];
}

/** A sequence, some of whose messages are lost, come twice or change places. */
export function snSequence(dice: Dice): SnMessage[] {
  const messages = sequence(dice);
  for (let count = dice.below(4); count > 0; count--) {
    const at = dice.below(messages.length);
    const one = messages[at];
    if (one === undefined) break;
    switch (dice.below(3)) {
      case 0:
        messages.splice(at, 1);
        break;
      case 1:
        messages.splice(dice.below(messages.length + 1), 0, one);
        break;
      default:
        messages.splice(at, 1);
        messages.splice(dice.below(messages.length + 1), 0, one);
    }
  }
  return messages;
}
