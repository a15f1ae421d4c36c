/** From the configuration of a link over a line to the line, and to what is spoken over it. */
import { parseRemote } from "../config/line-options.ts";
import type { LinkConfig } from "../config/schema.ts";
import type { LineProtocol, LineProtocolEnd } from "./framing/line-protocol.ts";
import { makeFraming } from "./framing/make-framing.ts";
import { PointToPoint } from "./framing/point-to-point.ts";
import { XBeeRadio } from "./framing/xbee-radio.ts";
import type { LineSource } from "./line.ts";
import { SerialSource } from "./serial-source.ts";
import { TcpSource } from "./tcp-source.ts";

/** API frames are longer than the messages in them, and radios send what they like, bytes. */
const LONGEST_API_FRAME = 1024;

/** The line that a link is on; not for links over UDP. */
export function lineSource(config: LinkConfig): LineSource {
  const remote = parseRemote(config.remote);
  if (config.type === "tcp" && remote !== undefined) return new TcpSource(remote.host, remote.port);
  return new SerialSource(
    { path: config.path, usb: config.usb },
    {
      baudRate: config.baud_rate,
      parity: config.parity,
      stopBits: config.stop_bits,
      flowControl: config.flow_control,
      dtr: config.dtr,
      rts: config.rts,
    },
  );
}

export function lineProtocol(config: LinkConfig, end: LineProtocolEnd): LineProtocol {
  const { framing, max_frame: maximumFrame, byte_gap: gap } = config;
  if (framing === "xbee1" || framing === "xbee2") {
    const longest = Math.max(LONGEST_API_FRAME, maximumFrame);
    return new XBeeRadio({ maximumFrame: longest, gap, escaped: framing === "xbee2" }, end);
  }
  return new PointToPoint(makeFraming(framing, { maximumFrame, gap }), config.name, end);
}
