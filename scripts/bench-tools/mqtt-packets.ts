/** The few MQTT 3.1.1 packets that the load generator sends, built once and patched when sent. */

const encoder = new TextEncoder();

export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const SUBACK = 9;
export const PUBACK_HEADER = PUBACK << 4;

/** Payload octets that carry the stamp below; no payload is shorter. */
export const STAMP_LENGTH = 10;

function text(value: string): number[] {
  const bytes = encoder.encode(value);
  return [bytes.length >>> 8, bytes.length & 255, ...bytes];
}

function packet(header: number, body: readonly number[]): Uint8Array {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 127) | (rest > 127 ? 128 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Uint8Array.from([header, ...length, ...body]);
}

/** CONNECT without keep alive. */
export function connectPacket(clientId: string, cleanSession: boolean): Uint8Array {
  return packet(0x10, [...text("MQTT"), 4, cleanSession ? 2 : 0, 0, 0, ...text(clientId)]);
}

export function subscribePacket(filter: string, qos: number): Uint8Array {
  return packet(0x82, [0, 1, ...text(filter), qos]);
}

export const DISCONNECT_PACKET = Uint8Array.from([0xe0, 0]);

/** A PUBLISH whose packet identifier and stamp are still zero, and where they are. */
export interface PublishTemplate {
  readonly bytes: Uint8Array;
  /** Meaningless at QoS 0. */
  readonly packetIdAt: number;
  readonly stampAt: number;
}

/** `payloadLength` counts the stamp, which fills its first STAMP_LENGTH octets. */
export function publishTemplate(
  topic: string,
  qos: number,
  payloadLength: number,
): PublishTemplate {
  const payload = new Array<number>(payloadLength).fill(0x78).fill(0, 0, STAMP_LENGTH);
  const bytes = packet(0x30 | (qos << 1), [...text(topic), ...(qos > 0 ? [0, 0] : []), ...payload]);
  const stampAt = bytes.length - payloadLength;
  return { bytes, packetIdAt: stampAt - 2, stampAt };
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  writeU16(bytes, at, value >>> 16);
  writeU16(bytes, at + 2, value);
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((readU16(bytes, at) << 16) | readU16(bytes, at + 2)) >>> 0;
}

/** Stamps a payload: when it was published, by whom, and the how manieth of that publisher it is. */
export function writeStamp(
  bytes: Uint8Array,
  at: number,
  time: number,
  publisher: number,
  sequence: number,
): void {
  writeU32(bytes, at, time);
  writeU32(bytes, at + 4, sequence);
  writeU16(bytes, at + 8, publisher);
}

export function readStampTime(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at);
}

export function readStampSequence(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4);
}

export function readStampNumber(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at + 8);
}
