/**
 * The broker's facts as records of the journal, one record per fact, and back.
 *
 * Keys: `s/CLIENT` session, `f/CLIENT\0FILTER` subscription, `q/CLIENT\0SEQUENCE` delivery,
 * `i/CLIENT\0PACKETID` QoS 2 identifier received, `r/TOPIC` retained message. NUL separates because
 * no MQTT string holds it. The first byte of every value is the format's version.
 */
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { QoS } from "../mqtt/qos.ts";
import type { Origin } from "../seams/door.ts";
import type { Journal, Settleable, StoredRecord } from "../seams/journal.ts";
import { Message } from "../seams/message.ts";
import { Delivery } from "./delivery.ts";
import type { Session } from "./session.ts";

const VERSION = 1;
const ORIGINS: readonly Origin[] = ["mqtt", "websocket", "mqtt-sn", "bridge"];
const SEQUENCE_DIGITS = 12;

/** A record read back, as a value; undefined from `readRecord` means that it is not whole. */
export type BrokerFact =
  | {
      readonly kind: "session";
      readonly clientId: string;
      readonly origin: Origin;
      readonly queueQos0: boolean;
      readonly bridge: boolean;
      readonly leftAt: number;
    }
  | {
      readonly kind: "subscription";
      readonly clientId: string;
      readonly filter: string;
      readonly qos: QoS;
    }
  | { readonly kind: "delivery"; readonly clientId: string; readonly delivery: Delivery }
  | { readonly kind: "incoming"; readonly clientId: string; readonly packetId: number }
  | { readonly kind: "retained"; readonly message: Message };

export class Records {
  readonly #journal: Journal;
  readonly #writer = new ByteWriter(1024);

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  afterCommit(waiting: Settleable): void {
    this.#journal.afterCommit(waiting);
  }

  putSession(session: Session): void {
    const writer = this.#begin();
    writer.u8(ORIGINS.indexOf(session.origin));
    writer.u8((session.queueQos0 ? 1 : 0) | (session.bridge ? 2 : 0));
    writer.f64(session.leftAt ?? 0);
    this.#put(`s/${session.clientId}`);
  }

  deleteSession(clientId: string): void {
    this.#journal.delete(`s/${clientId}`);
  }

  putSubscription(clientId: string, filter: string, qos: QoS): void {
    this.#begin().u8(qos);
    this.#put(`f/${clientId}\0${filter}`);
  }

  deleteSubscription(clientId: string, filter: string): void {
    this.#journal.delete(`f/${clientId}\0${filter}`);
  }

  putDelivery(clientId: string, delivery: Delivery): void {
    const writer = this.#begin();
    const { message } = delivery;
    writer.u8(delivery.qos | (delivery.retain ? 4 : 0) | (message === undefined ? 8 : 0));
    // A QoS 1 message may be sent again under any identifier; a QoS 2 message only under its own.
    writer.u16(delivery.qos === 2 ? delivery.packetId : 0);
    if (message !== undefined) writeMessage(writer, message);
    this.#put(`q/${clientId}\0${sequenceKey(delivery.sequence)}`);
  }

  deleteDelivery(clientId: string, sequence: number): void {
    this.#journal.delete(`q/${clientId}\0${sequenceKey(sequence)}`);
  }

  putIncoming(clientId: string, packetId: number): void {
    this.#begin();
    this.#put(`i/${clientId}\0${packetId}`);
  }

  deleteIncoming(clientId: string, packetId: number): void {
    this.#journal.delete(`i/${clientId}\0${packetId}`);
  }

  putRetained(message: Message): void {
    writeMessage(this.#begin(), message);
    this.#put(`r/${message.topic}`);
  }

  deleteRetained(topic: string): void {
    this.#journal.delete(`r/${topic}`);
  }

  #begin(): ByteWriter {
    const writer = this.#writer;
    writer.clear();
    writer.u8(VERSION);
    return writer;
  }

  #put(key: string): void {
    this.#journal.put(key, this.#writer.copy());
  }
}

function sequenceKey(sequence: number): string {
  return sequence.toString(16).padStart(SEQUENCE_DIGITS, "0");
}

function writeMessage(writer: ByteWriter, message: Message): void {
  writer.u8(message.qos | (message.retain ? 4 : 0));
  writer.utf8(message.topic);
  writer.raw(message.payload);
}

function readMessage(reader: ByteReader): Message {
  const flags = reader.u8();
  const topic = reader.utf8();
  return new Message(topic, reader.rest().slice(), asQos(flags & 3), (flags & 4) !== 0);
}

function asQos(bits: number): QoS {
  return bits === 1 || bits === 2 ? bits : 0;
}

/** Whether a key is one of the broker's. */
export function isBrokerKey(key: string): boolean {
  return /^[sfqir]\//.test(key);
}

/** Reads a record of the broker's back; undefined where it is damaged or of a later format. */
export function readRecord({ key, value }: StoredRecord): BrokerFact | undefined {
  const reader = new ByteReader(value);
  if (reader.u8() !== VERSION) return undefined;
  const name = key.slice(2);
  const separator = name.indexOf("\0");
  const clientId = separator < 0 ? name : name.slice(0, separator);
  const detail = separator < 0 ? "" : name.slice(separator + 1);
  const fact = readFact(key, reader, clientId, detail);
  return reader.overrun || reader.badText ? undefined : fact;
}

function readFact(
  key: string,
  reader: ByteReader,
  clientId: string,
  detail: string,
): BrokerFact | undefined {
  switch (key.charAt(0)) {
    case "s": {
      const origin = ORIGINS[reader.u8()];
      const flags = reader.u8();
      const leftAt = reader.f64();
      if (origin === undefined) return undefined;
      return {
        kind: "session",
        clientId,
        origin,
        queueQos0: (flags & 1) !== 0,
        bridge: (flags & 2) !== 0,
        leftAt,
      };
    }
    case "f":
      return { kind: "subscription", clientId, filter: detail, qos: asQos(reader.u8()) };
    case "q": {
      const flags = reader.u8();
      const packetId = reader.u16();
      const message = (flags & 8) === 0 ? readMessage(reader) : undefined;
      const sequence = Number.parseInt(detail, 16);
      const delivery = new Delivery(message, asQos(flags & 3), (flags & 4) !== 0, sequence);
      delivery.packetId = packetId;
      const whole = Number.isSafeInteger(sequence) && (message !== undefined || packetId > 0);
      return whole ? { kind: "delivery", clientId, delivery } : undefined;
    }
    case "i": {
      const packetId = Number.parseInt(detail, 10);
      return packetId > 0 ? { kind: "incoming", clientId, packetId } : undefined;
    }
    case "r":
      return { kind: "retained", message: readMessage(reader) };
    default:
      return undefined;
  }
}
