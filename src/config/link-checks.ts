/** What must fit together in a `[[link]]`. */
import * as v from "valibot";
import type { Finds, Source } from "./findings.ts";
import { LinkSchema } from "./link-section.ts";
import type { LinkConfig } from "./schema.ts";
import type { SettledParts } from "./settle.ts";
import { quote } from "./show-value.ts";

type LinkType = LinkConfig["type"];

/** Options that mean something to links of these types only. */
const BELONGS: readonly (readonly [readonly LinkType[], readonly (keyof LinkConfig)[]])[] = [
  [
    ["udp"],
    [
      "port",
      "address",
      "multicast_group",
      "multicast_interface",
      "multicast_ttl",
      "receive_buffer",
    ],
  ],
  [["serial"], ["path", "usb", "parity", "stop_bits", "flow_control", "dtr", "rts"]],
  [["tcp"], ["remote"]],
  [
    ["serial", "tcp"],
    ["framing", "baud_rate", "byte_gap"],
  ],
];

/** To write a default where it has no effect is no mistake. */
const DEFAULTS: v.InferOutput<typeof LinkSchema> = v.parse(LinkSchema, {});

export function checkLinks({ link }: SettledParts, source: Source, finds: Finds): void {
  const places = new Map<string, number>();
  for (const { index, value } of link) {
    checkLink(value, index, source, finds);
    const place = placeOf(value);
    const first = place === "" ? undefined : places.get(place);
    if (first === undefined) {
      places.set(place, index);
      continue;
    }
    const key = value.type === "tcp" ? "remote" : value.path === "" ? "usb" : "path";
    const message = `${source.nameOf(["link", first])} is on this already`;
    finds.errors.push({ at: ["link", index, key], message });
  }
}

function checkLink(link: LinkConfig, index: number, { isGiven }: Source, finds: Finds): void {
  const { type, path, usb, remote, framing, flow_control } = link;
  for (const [types, keys] of BELONGS) {
    if (types.includes(type)) continue;
    for (const key of keys) {
      const at = ["link", index, key];
      const message = `has no effect: the link is of type ${quote(type)}`;
      if (isGiven(at) && link[key] !== DEFAULTS[key]) finds.warnings.push({ at, message });
    }
  }
  const at = ["link", index];
  if (type === "serial" && path === "" && usb === "") {
    const message = "a serial link needs path or usb; `midge ports` lists what there is";
    finds.errors.push({ at, message });
  }
  if (type === "tcp" && remote === "") {
    finds.errors.push({ at, message: 'a link over TCP needs remote = "tcp://host:port"' });
  }
  if (flow_control === "xonxoff" && framing !== "xbee2") {
    const message = `messages in framing ${quote(framing)} have the bytes XON and XOFF in them`;
    finds.errors.push({ at: [...at, "flow_control"], message });
  }
}

/** What only one link can be on; "" where several can. */
function placeOf({ type, path, usb, remote }: LinkConfig): string {
  if (type === "tcp") return remote;
  // Of several ports that fit, each link takes another.
  if (type !== "serial" || /[*?]/.test(path) || (path === "" && usb.split(":").length < 3))
    return "";
  return `${path} ${usb}`;
}
