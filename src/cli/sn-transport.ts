/** The ways on which a node of the command line reaches its gateway. */
import { lookup } from "node:dns/promises";
import { DEFAULT_GAP } from "../links/framing/framing.ts";
import type { PlainFraming } from "../links/framing/make-framing.ts";
import { makeFraming } from "../links/framing/make-framing.ts";
import { SerialSource } from "../links/serial-source.ts";
import { TcpSource } from "../links/tcp-source.ts";
import { networkCause } from "../sockets/network-cause.ts";
import { CommandFailure } from "./exit-codes.ts";
import { LineTransport } from "./line-transport.ts";
import { UdpTransport } from "./udp-transport.ts";

/** Carries MQTT-SN messages to a gateway and back. */
export interface SnTransport {
  /** The gateway's place, for what the user is told. */
  readonly where: string;
  /** The longest message that it carries, bytes. */
  readonly maximumFrame: number;
  /** Rejects with CommandFailure. */
  open(end: SnTransportEnd): Promise<void>;
  /** The frame is the transport's to keep. */
  send(frame: Uint8Array): void;
  close(): void;
}

export interface SnTransportEnd {
  /** The bytes are reused after the call. */
  receive(frame: Uint8Array): void;
  /** Nobody is at the gateway's place; it may come later. */
  unreachable(): void;
  /** It will carry nothing any more; why, in words. */
  ended(cause: string): void;
}

export type SnPlace =
  | { readonly kind: "udp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      readonly framing: PlainFraming;
    }
  | {
      readonly kind: "serial";
      readonly path: string;
      readonly baudRate: number;
      readonly framing: PlainFraming;
    };

/** What MQTT-SN can tell the length of (MQTT-SN 1.2 §5.2.1), bytes. */
const LONGEST_MESSAGE = 65_535;

/** A transport that is not open yet. Rejects with CommandFailure. */
export async function transportTo(place: SnPlace): Promise<SnTransport> {
  if (place.kind === "udp") {
    const { host, port } = place;
    return new UdpTransport(await resolveHost(host), port, host);
  }
  const maximumFrame = LONGEST_MESSAGE;
  const gap = DEFAULT_GAP;
  return new LineTransport({
    source: place.kind === "tcp" ? new TcpSource(place.host, place.port) : serialSource(place),
    framing: makeFraming(place.framing, { maximumFrame, gap }),
    gap,
    maximumFrame,
  });
}

function serialSource({ path, baudRate }: { readonly path: string; readonly baudRate: number }) {
  const line = { parity: "none", stopBits: 1, flowControl: "none", dtr: true, rts: true } as const;
  return new SerialSource({ path, usb: "" }, { baudRate, ...line });
}

/** The IP address of a host, IPv4 where it has both. Rejects with CommandFailure. */
export async function resolveHost(host: string): Promise<string> {
  try {
    const { address } = await lookup(host, { order: "ipv4first" });
    return address;
  } catch (error) {
    const message = `cannot find the host "${host}": ${networkCause(error as Error)}`;
    throw new CommandFailure(message);
  }
}
