/** Of `[[link]]`: what serial ports, and those behind a TCP connection, need to be told. */
import * as v from "valibot";
import { parseEndpoint } from "./addresses.ts";
import { choice, flag, integer, path, text } from "./fields.ts";

export const FRAMINGS = ["slip", "slip-crc16", "length", "xbee1", "xbee2", "auto"] as const;

/** Where the host of a remote line is; undefined where the text is no such place. */
export function parseRemote(
  remote: string,
): { readonly host: string; readonly port: number } | undefined {
  // Without a default, the port must be there.
  return parseEndpoint(remote.replace(/^tcp:\/\//, ""), 0);
}

/** The wildcards are in the last name. */
function isPortPath(path: string): boolean {
  if (path === "") return true;
  return path.startsWith("/") && !path.endsWith("/") && !/[*?].*\//.test(path);
}

export const LINE_OPTIONS = {
  path: v.optional(
    path(
      {
        description:
          'The serial port: "/dev/ttyUSB0", better "/dev/serial/by-id/usb-...", which stays the same wherever it is plugged in. * and ? in the last name stand for any characters; of several ports that fit, the first that is free is taken. `midge ports` lists them. "" is any, if `usb` is given.',
        restart: true,
      },
      { expected: 'a path such as "/dev/ttyUSB0", or ""', allows: isPortPath },
    ),
    "",
  ),
  usb: v.optional(
    text(
      {
        description:
          'The USB device that offers the serial port, as vendor, product and, if need be, serial number: "0403:6001:A50285BI"; "" is any.',
        restart: true,
      },
      {
        expected: 'vendor:product or vendor:product:serial such as "0403:6001", or ""',
        allows: (usb) => usb === "" || /^[0-9a-f]{4}:[0-9a-f]{4}(?::.+)?$/i.test(usb),
      },
    ),
    "",
  ),
  remote: v.optional(
    text(
      {
        description:
          'Of links over TCP, the server that offers the serial port: "tcp://10.0.0.7:2000", as ser2net in raw mode, or ESP-Link on port 23.',
        restart: true,
      },
      {
        expected: '"tcp://host:port", or ""',
        allows: (remote) => remote === "" || parseRemote(remote) !== undefined,
      },
    ),
    "",
  ),
  framing: v.optional(
    choice(FRAMINGS, {
      description:
        'How messages are told apart on a line: by SLIP, with a CRC as well or not; by the length that each begins with; by an XBee module in API mode 1 or 2; "auto" finds out whether it is "slip" or "length" by what the node sends.',
      restart: true,
    }),
    "slip",
  ),
  baud_rate: v.optional(
    integer(
      { min: 50, max: 4_000_000 },
      {
        description:
          "How fast the line is; on links over TCP how fast the one at the other end is, so that no more is sent.",
        unit: "bits a second",
        restart: true,
      },
    ),
    115_200,
  ),
  parity: v.optional(
    choice(["none", "even", "odd"], {
      description: "The parity bit of a serial port, which always has 8 data bits.",
      restart: true,
    }),
    "none",
  ),
  stop_bits: v.optional(
    choice([1, 2], { description: "The stop bits of a serial port.", restart: true }),
    1,
  ),
  flow_control: v.optional(
    choice(["none", "rtscts", "xonxoff"], {
      description:
        'How a serial port is told to wait: by the lines RTS and CTS, or by bytes, which only framing "xbee2" leaves free.',
      restart: true,
    }),
    "none",
  ),
  dtr: v.optional(
    flag({
      description: "Whether the line DTR is on while the serial port is open, if it has one.",
      restart: true,
    }),
    true,
  ),
  rts: v.optional(
    flag({
      description: "Whether the line RTS is on while the serial port is open, if it has one.",
      restart: true,
    }),
    true,
  ),
  byte_gap: v.optional(
    integer(
      { min: 1, max: 60_000 },
      {
        description:
          'How long a line may be silent within a message before what came of it is dropped; of framings "length", "xbee1", "xbee2" and "auto".',
        unit: "milliseconds",
        restart: true,
      },
    ),
    100,
  ),
};
