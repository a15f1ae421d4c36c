/** `[[link]]`: the ways to MQTT-SN nodes. */
import * as v from "valibot";
import { isMulticast } from "./addresses.ts";
import {
  choice,
  decimal,
  flag,
  integer,
  listenAddress,
  optionalInteger,
  port,
  text,
} from "./fields.ts";
import { LINE_OPTIONS } from "./line-options.ts";
import { LINK_ADMISSION } from "./node-sections.ts";

/** The longest payload of a UDP datagram over IPv4. */
const LONGEST_DATAGRAM = 65_507;

export const LinkSchema = v.pipe(
  v.object({
    name: v.optional(
      text({
        description: "What logs and pages call this link.",
        defaultText: 'the type, and what it is on, such as "udp-1884"',
        example: "udp-1884",
        restart: true,
      }),
      "",
    ),
    type: v.optional(
      choice(["udp", "serial", "tcp"], {
        description:
          'How nodes are reached: by UDP, by a serial port of this machine, or by one that a server elsewhere offers over TCP ("tcp").',
        restart: true,
      }),
      "udp",
    ),
    port: v.optional(port({ description: "The UDP port to receive on.", restart: true }), 1884),
    address: v.optional(
      listenAddress({
        description:
          'The address to receive on: "127.0.0.1" serves this machine only, "" every network that the machine is in, "0.0.0.0" and "::" the same for IPv4 or IPv6 alone.',
        restart: true,
      }),
      "127.0.0.1",
    ),
    multicast_group: v.optional(
      text(
        {
          description:
            'The multicast group for advertising and for nodes that search a gateway, such as "225.1.1.1"; "" means none.',
          restart: true,
        },
        {
          expected: 'a multicast address such as "225.1.1.1", or ""',
          allows: (group) => group === "" || isMulticast(group),
        },
      ),
      "",
    ),
    multicast_interface: v.optional(
      text({
        description:
          'The local address, or for IPv6 the interface such as "::%eth0", to use multicast on; "" lets the system choose.',
        restart: true,
      }),
      "",
    ),
    multicast_ttl: v.optional(
      integer(
        { min: 1, max: 255 },
        {
          description: "How many hops multicast goes; 1 stays in the local network.",
          unit: "hops",
          restart: true,
        },
      ),
      1,
    ),
    gateway_id: optionalInteger(
      { min: 0, max: 255 },
      {
        description: "The gateway id on this link.",
        defaultText: "that of `[gateway]`",
        example: 1,
        restart: true,
      },
    ),
    advertise_interval: optionalInteger(
      { min: 0, max: 65_535 },
      {
        description: "How often the gateway advertises itself on this link; 0 is never.",
        unit: "seconds",
        defaultText: "that of `[gateway]`",
        example: 900,
        restart: true,
      },
    ),
    retry_interval: v.optional(
      decimal(
        { min: 0.05, max: 3600 },
        {
          description: "How long to wait for a node's answer before sending again (T_RETRY).",
          unit: "seconds",
          restart: true,
        },
      ),
      10,
    ),
    retry_limit: v.optional(
      integer(
        { min: 0, max: 100 },
        {
          description: "How often to send again before the node counts as lost (N_RETRY).",
          restart: true,
        },
      ),
      4,
    ),
    max_frame: optionalInteger(
      { min: 32, max: LONGEST_DATAGRAM },
      {
        description:
          "The longest MQTT-SN message that is sent, and on a line also received; longer ones are dropped.",
        unit: "bytes",
        defaultText: "1400 for UDP, 72 for XBee modules, 1024 for other lines",
        example: 1400,
        restart: true,
      },
    ),
    receive_buffer: v.optional(
      integer(
        { min: 0, max: 1_073_741_823 },
        {
          description:
            "The socket's receive buffer, within what the system allows; 0 leaves it as it is.",
          unit: "bytes",
          restart: true,
        },
      ),
      1_048_576,
    ),
    ...LINE_OPTIONS,
    ...LINK_ADMISSION,
    optional: v.optional(
      flag({ description: "A port that is taken is only a warning.", hidden: true }),
      false,
    ),
  }),
  v.transform((link) => ({
    ...link,
    name: link.name === "" ? automaticName(link) : link.name,
  })),
  v.metadata({
    description:
      "A way to MQTT-SN nodes, one section each. Giving any replaces the default one, which is the one shown.",
  }),
);

/** "udp-1884", "serial-ttyUSB0", "tcp-10.0.0.7:2000". */
function automaticName(link: {
  readonly type: string;
  readonly port: number;
  readonly path: string;
  readonly usb: string;
  readonly remote: string;
}): string {
  switch (link.type) {
    case "serial":
      return `serial-${link.path.slice(link.path.lastIndexOf("/") + 1).replaceAll(/[*?]/g, "") || link.usb}`;
    case "tcp":
      return `tcp-${link.remote.replace("tcp://", "")}`;
    default:
      return `${link.type}-${link.port}`;
  }
}
