/** MQTT-SN messages in one line of words, for traces and logs. */
import type { Publish, SnMessage, TopicReference } from "./packets.ts";
import { shortTopicName } from "./short-topic.ts";

const RETURN_CODES = ["accepted", "congestion", "invalid topic id", "not supported"];

/** A return code in words (§5.3.10). */
export function describeReturnCode(code: number): string {
  return RETURN_CODES[code] ?? `return code ${code}`;
}

/** The message's name and fields, such as `PUBACK (m1, id 5, accepted)`. */
export function describeMessage(message: SnMessage): string {
  const fields = fieldsOf(message);
  const name = message.kind.toUpperCase();
  return fields === "" ? name : `${name} (${fields})`;
}

function fieldsOf(message: SnMessage): string {
  switch (message.kind) {
    case "publish":
      return publishFields(message);
    case "puback":
    case "regack":
      return `m${message.messageId}, id ${message.topicId}, ${describeReturnCode(message.returnCode)}`;
    case "pubrec":
    case "pubrel":
    case "pubcomp":
    case "unsuback":
      return `m${message.messageId}`;
    case "register":
      return `m${message.messageId}, id ${message.topicId}, ${show(message.topicName)}`;
    case "subscribe":
      return `d${Number(message.dup)}, q${message.qos}, m${message.messageId}, ${topic(message.topic)}`;
    case "unsubscribe":
      return `m${message.messageId}, ${topic(message.topic)}`;
    case "suback":
      return `q${message.qos}, m${message.messageId}, id ${message.topicId}, ${describeReturnCode(message.returnCode)}`;
    case "connect":
      return `c${Number(message.cleanSession)}, k${message.duration}, will ${message.will ? "yes" : "no"}, ${show(message.clientId)}`;
    case "connack":
    case "willtopicresp":
    case "willmsgresp":
      return describeReturnCode(message.returnCode);
    case "willtopic":
    case "willtopicupd":
      if (message.topic === undefined) return "empty";
      return `q${message.qos}, r${Number(message.retain)}, ${show(message.topic)}`;
    case "willmsg":
    case "willmsgupd":
      return size(message.payload);
    case "pingreq":
      return message.clientId === undefined ? "" : show(message.clientId);
    case "disconnect":
      return message.duration === undefined ? "" : `sleeping ${message.duration} s`;
    case "advertise":
      return `gateway ${message.gatewayId}, every ${message.duration} s`;
    case "searchgw":
      return `radius ${message.radius}`;
    case "gwinfo":
      return `gateway ${message.gatewayId}`;
    case "encapsulated":
      return `radius ${message.radius}, ${size(message.message)} inside`;
    case "pingresp":
    case "willtopicreq":
    case "willmsgreq":
      return "";
  }
}

function publishFields(message: Publish): string {
  const { dup, qos, retain, messageId, payload } = message;
  return `d${Number(dup)}, q${qos}, r${Number(retain)}, m${messageId}, ${publishTopic(message)}, ... (${size(payload)})`;
}

function publishTopic({ topicIdType, topicId }: Publish): string {
  switch (topicIdType) {
    case "normal":
      return `id ${topicId}`;
    case "predefined":
      return `predefined id ${topicId}`;
    case "short":
      return show(shortTopicName(topicId) ?? `0x${topicId.toString(16)}`);
  }
}

function topic(reference: TopicReference): string {
  if (reference.type === "predefined") return `predefined id ${reference.topicId}`;
  return show(reference.name);
}

function show(text: string): string {
  return `'${text}'`;
}

function size(bytes: Uint8Array): string {
  return `${bytes.length} bytes`;
}
