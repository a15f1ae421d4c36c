/** What a record of the store says, as an object to be printed; of all parts that keep records. */
import { isBrokerKey, readRecord as readBrokerRecord } from "../broker/records.ts";
import type { StoredWill } from "../broker/will-record.ts";
import { decodeUtf8 } from "../bytes/utf8.ts";
import { readRecord as readNodeRecord } from "../gateway/node-records.ts";
import type { StoredRecord } from "../seams/journal.ts";
import type { Message } from "../seams/message.ts";
import { WEAR_KEY } from "./wear.ts";

export interface RecordDescription {
  /** What the record stands for; "unknown" where no part of Midge has such keys. */
  readonly kind: string;
  readonly clientId?: string | undefined;
  readonly topic?: string | undefined;
  readonly [property: string]: unknown;
}

/** Of records whose times are of the wall clock. */
const WALL = { now: () => Date.now(), wall: () => Date.now() };
/** Before keys of sessions that belong to the upstream connection of all nodes. */
const AGGREGATED = "a/";

/** Undefined where the record cannot be read. */
export function describeRecord(record: StoredRecord): RecordDescription | undefined {
  const { key, value } = record;
  if (key === WEAR_KEY) return wear(value);
  if (key.startsWith(AGGREGATED)) {
    const inner = describeRecord({ key: key.slice(AGGREGATED.length), value });
    return inner === undefined ? undefined : { ...inner, upstream: true };
  }
  if (isBrokerKey(key)) return broker(record);
  if (key.startsWith("g/")) return node(record);
  if (key.startsWith("u/")) return upstream(record);
  return { kind: "unknown", key, bytes: value.length };
}

function wear(value: Uint8Array): RecordDescription | undefined {
  try {
    const { total, today } = JSON.parse(decodeUtf8(value, 0, value.length) ?? "");
    return { kind: "wear", total, today };
  } catch {
    return undefined;
  }
}

function broker(record: StoredRecord): RecordDescription | undefined {
  const fact = readBrokerRecord(record, WALL);
  switch (fact?.kind) {
    case undefined:
      return undefined;
    case "session": {
      const { clientId, origin, leftAt, sessionExpiry } = fact;
      return { kind: "session", clientId, origin, leftAt: timeOf(leftAt), sessionExpiry };
    }
    case "subscription": {
      const { clientId, filter, subscription } = fact;
      return { kind: "subscription", clientId, filter, ...subscription };
    }
    case "delivery": {
      const { clientId, group, delivery } = fact;
      const { sequence, qos, packetId, message } = delivery;
      const kind = message === undefined ? "released" : packetId > 0 ? "in flight" : "queued";
      const sent = packetId > 0 ? { packetId } : {};
      return { kind, clientId, sequence, qos, ...sent, group, ...described(message) };
    }
    case "queue time": {
      const { seconds, wall } = fact.time;
      return { kind: "queue time", seconds, at: timeOf(wall) };
    }
    case "incoming":
      return { kind: "received", clientId: fact.clientId, packetId: fact.packetId };
    case "will":
      return willOf(fact.clientId, fact.stored);
    case "retained": {
      const { message, source } = fact;
      return { kind: "retained", qos: message.qos, ...described(message), source };
    }
  }
}

function willOf(clientId: string, stored: StoredWill): RecordDescription {
  const { will, username, publisher: source, dueAt, held } = stored;
  const { topic, payload, qos, retain, properties, messageExpiry, delay, keepAlive } = will;
  const due = timeOf(dueAt);
  const sent = { topic, qos, retain, ...payloadOf(payload), properties, messageExpiry };
  return { kind: "will", clientId, ...sent, delay, keepAlive, due, held, username, source };
}

function described(message: Message | undefined): Record<string, unknown> {
  if (message === undefined) return {};
  const { topic, payload, expiresAt, properties } = message;
  return { topic, ...payloadOf(payload), expires: timeOf(expiresAt), properties };
}

/** As text where it is text. */
function payloadOf(payload: Uint8Array): Record<string, string> {
  const text = decodeUtf8(payload, 0, payload.length);
  if (text !== undefined) return { payload: text };
  return { payloadBase64: Buffer.from(payload).toString("base64") };
}

function node({ key, value }: StoredRecord): RecordDescription | undefined {
  const fact = readNodeRecord(key, value);
  if (fact === undefined) return undefined;
  const { clientId } = fact;
  if (fact.kind === "topic") return { kind: "topic id", clientId, id: fact.id, topic: fact.name };
  const { state, link, addressKey, since, lastSeen, will } = fact;
  return {
    kind: "node",
    clientId,
    state,
    link,
    address: addressKey,
    since: timeOf(since),
    lastSeen: timeOf(lastSeen),
    will: will?.topic,
  };
}

function upstream({ key, value }: StoredRecord): RecordDescription | undefined {
  const [version, qos] = value;
  const [clientId, filter] = key.slice("u/n/".length).split("\0");
  if (version !== 1 || clientId === undefined) return undefined;
  if (key.startsWith("u/n/")) return { kind: "upstream session", clientId };
  return { kind: "upstream subscription", clientId, filter, qos };
}

/** Wall clock ms as ISO 8601; undefined for none. */
function timeOf(time: number | undefined): string | undefined {
  if (time === undefined || time === 0 || Math.abs(time) > 8.64e15) return undefined;
  return new Date(time).toISOString();
}
