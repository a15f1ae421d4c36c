/** The framings by name. */
import { AutoFraming } from "./auto-framing.ts";
import type { Framing, FramingOptions } from "./framing.ts";
import { LengthFraming } from "./length-framing.ts";
import { SlipFraming } from "./slip-framing.ts";

/** Those that carry MQTT-SN messages as they are; `xbee1` and `xbee2` are spoken by `XBeeRadio`. */
export const PLAIN_FRAMINGS = ["slip", "slip-crc16", "length", "auto"] as const;
export type PlainFraming = (typeof PLAIN_FRAMINGS)[number];

export function makeFraming(name: PlainFraming, options: FramingOptions): Framing {
  switch (name) {
    case "slip":
      return new SlipFraming(options);
    case "slip-crc16":
      return new SlipFraming({ ...options, crc: true });
    case "length":
      return new LengthFraming(options);
    case "auto":
      return new AutoFraming(options);
  }
}
