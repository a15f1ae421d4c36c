/** One conversation with one port: what is sent, in which pieces, and how it ends. */
import { Dice } from "./dice.ts";
import { LINE_KINDS, type LineKind, lineBytes } from "./line-bytes.ts";
import { mqttConversation } from "./mqtt-conversation.ts";
import { mutate } from "./mutate.ts";
import { snDatagrams } from "./sn-datagrams.ts";

export type PortKind = "tcp" | "websocket" | "udp" | "udp6" | LineKind;

export interface Conversation {
  readonly port: PortKind;
  /** Each sent in one go; over UDP from one of three addresses, which is `piece index * stride % 3`. */
  readonly pieces: readonly Uint8Array[];
  /** 0 is a single address. */
  readonly stride: number;
  /** Ends by a reset instead of in order. */
  readonly reset: boolean;
}

/** By where most of the faults may be; each link has a share. */
const MQTT_KINDS: readonly PortKind[] = ["tcp", "websocket"];
export const LINK_KINDS: readonly PortKind[] = ["udp", "udp", "udp6", ...LINE_KINDS];
const ALL_KINDS: readonly PortKind[] = [...MQTT_KINDS, ...MQTT_KINDS, ...LINK_KINDS];
export const PORT_KINDS: ReadonlySet<string> = new Set(ALL_KINDS);

/** The conversation of this number in the run of this seed. */
export function conversation(seed: number, number: number, links: boolean): Conversation {
  const dice = new Dice(seed, number);
  const kinds = links ? LINK_KINDS : ALL_KINDS;
  const port = kinds[number % kinds.length] as PortKind;
  const reset = dice.chance(0.5);
  const stride = dice.chance(0.3) ? 1 + dice.below(2) : 0;
  if (port === "udp" || port === "udp6") return { port, pieces: snDatagrams(dice), reset, stride };
  if (port !== "tcp" && port !== "websocket") {
    const pieces = cut(lineBytes(port, snDatagrams(dice), dice), dice);
    return { port, pieces, reset: dice.chance(0.02), stride };
  }
  const packets = mqttConversation(dice);
  const pieces = port === "tcp" ? cut(packets, dice) : [UPGRADE, ...frames(packets, dice)];
  return { port, pieces, reset, stride };
}

/** Packets as they are, joined, or cut anywhere. */
function cut(packets: readonly Uint8Array[], dice: Dice): Uint8Array[] {
  if (dice.chance(0.5)) return [...packets];
  const stream = new Uint8Array(Buffer.concat(packets));
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + dice.below(dice.pick([2, 50, 5000]));
    pieces.push(stream.subarray(at, end));
    at = end;
  }
  return pieces;
}

const UPGRADE = new TextEncoder().encode(
  [
    "GET /mqtt HTTP/1.1",
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol: mqtt",
    "",
    "",
  ].join("\r\n"),
);

/** WebSocket frames around what TCP would carry, a few of them spoilt. */
function frames(packets: readonly Uint8Array[], dice: Dice): Uint8Array[] {
  return cut(packets, dice).map((piece) => {
    const opcode = dice.chance(0.97) ? 2 : dice.below(16);
    const frame = webSocketFrame(piece, 0x80 | opcode);
    return dice.chance(0.03) ? mutate(frame, dice) : frame;
  });
}

/** The mask is zero, so that the payload stands there as it is. */
function webSocketFrame(payload: Uint8Array, first: number): Uint8Array {
  const { length } = payload;
  const size =
    length < 126
      ? [0x80 | length]
      : length < 65536
        ? [0x80 | 126, length >>> 8, length & 255]
        : [
            0x80 | 127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >>> 16) & 255,
            (length >>> 8) & 255,
            length & 255,
          ];
  return new Uint8Array([first, ...size, 0, 0, 0, 0, ...payload]);
}
