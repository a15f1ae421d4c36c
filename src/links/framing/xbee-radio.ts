/**
 * An XBee module in API mode: nodes by their 64-bit addresses, transmissions that are tried again when
 * the module reports that they failed, and the signal strength of what was heard.
 */
import { ByteWriter } from "../../bytes/byte-writer.ts";
import type { LinkAddress, Reception } from "../../seams/link.ts";
import type { FramingFaults, TakeFrame } from "./framing.ts";
import { isAnswer } from "./is-answer.ts";
import type { LineProtocol, LineProtocolEnd } from "./line-protocol.ts";
import { BROADCAST, keyOf, XBeeAddress } from "./xbee-address.ts";
import { XBeeFraming, type XBeeOptions } from "./xbee-framing.ts";

const ApiType = {
  atCommand: 0x08,
  transmitRequest: 0x10,
  atResponse: 0x88,
  modemStatus: 0x8a,
  transmitStatus: 0x8b,
  receivePacket: 0x90,
} as const;

const MODEM_STATUS: Readonly<Record<number, string>> = {
  0: "was switched on",
  1: "was reset by its watchdog",
  2: "joined a network",
  3: "left its network",
  6: "started a network as its coordinator",
  13: "has too high a supply voltage",
};
const JOINED = 0x02;
const STARTED = 0x06;
const SWITCHED_ON = 0x00;

/** Delivery statuses that will be the same however often it is tried: to itself, too long. */
const HOPELESS: ReadonlySet<number> = new Set([0x23, 0x74]);
/** The module has tried several times itself by then. */
const TRIES = 3;
/** Between the type and the payload of a receive packet: address, network address, options. */
const RECEIVE_HEADER = 12;
/** How often the signal strength is asked for, ms, as each time costs 14 bytes of the line. */
const SIGNAL_EVERY = 1000;
/** Modules whose signal is remembered. */
const MOST_SIGNALS = 1024;
const UNKNOWN_NETWORK_ADDRESS = 0xfffe;

interface Transmission {
  readonly to: XBeeAddress;
  readonly frame: Uint8Array;
  tries: number;
}

export class XBeeRadio implements LineProtocol {
  readonly #framing: XBeeFraming;
  readonly #end: LineProtocolEnd;
  readonly #data = new ByteWriter(512);
  readonly #line = new ByteWriter(1024);
  /** By frame id, until the module says what became of it. */
  readonly #underWay = new Map<number, Transmission>();
  readonly #addresses = new Map<string, XBeeAddress>();
  readonly #signals = new Map<string, Reception>();
  #frameId = 0;
  #now = 0;
  /** Whose signal was asked for, and by which frame id. */
  #asked: { readonly frameId: number; readonly key: string } | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #tellsSignal = true;
  #failures = 0;
  #repeated = 0;
  #given = 0;

  constructor(options: XBeeOptions, end: LineProtocolEnd) {
    this.#framing = new XBeeFraming(options);
    this.#end = end;
  }

  get faults(): FramingFaults {
    return this.#framing.faults;
  }

  get unfinished(): boolean {
    return this.#framing.unfinished;
  }

  counters(): Readonly<Record<string, number>> {
    return {
      transmitFailures: this.#failures,
      transmitRepeated: this.#repeated,
      transmitGivenUp: this.#given,
    };
  }

  send(to: LinkAddress, frame: Uint8Array): void {
    if (to instanceof XBeeAddress) this.#transmit({ to, frame: frame.slice(), tries: 1 });
  }

  /** The module tells nothing about broadcasts that is worth knowing. */
  broadcast(frame: Uint8Array, radius: number): void {
    this.#request(0, BROADCAST, frame, radius);
  }

  feed(bytes: Uint8Array, now: number): void {
    this.#now = now;
    this.#framing.feed(bytes, now, this.#take);
  }

  silence(): void {
    this.#framing.silence(this.#take);
  }

  reset(): void {
    this.#framing.reset();
    this.#underWay.clear();
    this.#asked = undefined;
    this.#askedAt = Number.NEGATIVE_INFINITY;
    this.#tellsSignal = true;
  }

  addressOf(key: string): LinkAddress | undefined {
    return XBeeAddress.fromKey(key);
  }

  readonly #take: TakeFrame = (data) => {
    switch (data[0]) {
      case ApiType.receivePacket:
        this.#received(data);
        return;
      case ApiType.transmitStatus:
        if (data.length >= 6) this.#transmitted(data[1] as number, data[5] as number);
        return;
      case ApiType.atResponse:
        this.#answered(data);
        return;
      case ApiType.modemStatus:
        if (data.length >= 2) this.#changed(data[1] as number);
        return;
      default:
      // Other frames are of no use here, and come from modules that are set up for more.
    }
  };

  /** Type, 64-bit address, network address, options, payload. */
  #received(data: Uint8Array): void {
    if (data.length < RECEIVE_HEADER) {
      this.#framing.faults.malformed++;
      return;
    }
    const from = this.#addressAt(data, 1);
    // What the module would answer now is of the packet that came last.
    if (this.#asked !== undefined && this.#asked.key !== from.key) this.#asked = undefined;
    this.#end.receive(from, data.subarray(RECEIVE_HEADER), this.#signals.get(from.key));
    this.#askForSignal(from);
  }

  #addressAt(data: Uint8Array, at: number): XBeeAddress {
    const bytes = data.subarray(at, at + 8);
    const key = keyOf(bytes);
    let address = this.#addresses.get(key);
    if (address === undefined) {
      if (this.#addresses.size >= MOST_SIGNALS) this.#addresses.clear();
      address = new XBeeAddress(bytes);
      this.#addresses.set(key, address);
    }
    return address;
  }

  #transmit(transmission: Transmission): void {
    const frameId = this.#nextFrameId();
    this.#underWay.set(frameId, transmission);
    this.#request(frameId, transmission.to, transmission.frame, 0);
  }

  #request(frameId: number, to: XBeeAddress, frame: Uint8Array, radius: number): void {
    const data = this.#data;
    data.clear();
    data.u8(ApiType.transmitRequest);
    data.u8(frameId);
    data.raw(to.bytes);
    data.u16(UNKNOWN_NETWORK_ADDRESS);
    data.u8(radius);
    data.u8(0);
    data.raw(frame);
    this.#write(isAnswer(frame));
  }

  #transmitted(frameId: number, status: number): void {
    const transmission = this.#underWay.get(frameId);
    if (transmission === undefined) return;
    this.#underWay.delete(frameId);
    if (status === 0) return;
    this.#failures++;
    if (HOPELESS.has(status) || transmission.tries >= TRIES) {
      this.#given++;
      return;
    }
    this.#repeated++;
    transmission.tries++;
    this.#transmit(transmission);
  }

  /** The strength of the last packet's signal, by the AT command DB. */
  #askForSignal({ key }: XBeeAddress): void {
    if (!this.#tellsSignal || this.#now - this.#askedAt < SIGNAL_EVERY) return;
    this.#askedAt = this.#now;
    const frameId = this.#nextFrameId();
    this.#asked = { frameId, key };
    const data = this.#data;
    data.clear();
    data.u8(ApiType.atCommand);
    data.u8(frameId);
    data.text("DB");
    this.#write(true);
  }

  /** Type, frame id, command, status, value: the strength in -dBm. */
  #answered(data: Uint8Array): void {
    const [, frameId, first, second, status, strength] = data;
    const asked = this.#asked;
    if (asked === undefined || frameId !== asked.frameId) return;
    this.#asked = undefined;
    if (first !== 0x44 || second !== 0x42) return;
    if (status !== 0) {
      this.#tellsSignal = false;
    } else if (strength !== undefined && strength > 0) {
      if (this.#signals.size >= MOST_SIGNALS) this.#signals.clear();
      this.#signals.set(asked.key, { rssi: -strength });
    }
  }

  #changed(status: number): void {
    if (status === JOINED || status === STARTED || status === SWITCHED_ON) this.#tellsSignal = true;
    const what = MODEM_STATUS[status] ?? `reports the modem status 0x${status.toString(16)}`;
    this.#end.tell(`the XBee module ${what}`);
  }

  /** 1 to 255; what still waits for an answer under an id that comes round again gets none. */
  #nextFrameId(): number {
    this.#frameId = (this.#frameId % 255) + 1;
    return this.#frameId;
  }

  #write(urgent: boolean): void {
    const line = this.#line;
    line.clear();
    this.#framing.encode(this.#data.view(), line);
    this.#end.write(line.view(), urgent);
  }
}
