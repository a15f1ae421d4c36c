/** The options that say where a node's gateway is: host and port, a search, a TCP or serial line. */
import { isIP } from "node:net";
import { type Command, InvalidArgumentError, Option } from "commander";
import { PLAIN_FRAMINGS, type PlainFraming } from "../links/framing/make-framing.ts";
import { fail, wholeNumber } from "./option-values.ts";
import type { SnPlace } from "./sn-transport.ts";

/** As commander hands them over. */
export interface SnPlaceFlags {
  readonly host?: string | undefined;
  readonly port: number;
  /** True for the usual group. */
  readonly search?: string | true | undefined;
  readonly radius: number;
  readonly tcp?: HostAndPort | undefined;
  readonly serial?: string | undefined;
  readonly baud: number;
  readonly framing: PlainFraming;
}

interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Where the gateway is, or how it is to be looked for. */
export type SnDestination =
  | SnPlace
  | {
      readonly kind: "search";
      readonly group: string;
      readonly port: number;
      /** Hops, 0 for all. */
      readonly radius: number;
    };

const USUAL_GROUP = "225.1.1.1";

export function addSnPlaceOptions(command: Command): Command {
  return command
    .option("-h, --host <host>", "host name or address of the gateway (default: localhost)")
    .option("-p, --port <port>", "UDP port of the gateway", wholeNumber(1, 65_535), 1884)
    .option(
      "--search [group]",
      `look for a gateway in a multicast group (default: ${USUAL_GROUP}), at the port of -p`,
      group,
    )
    .option("--radius <hops>", "how far to look for it, 0 for all hops", wholeNumber(0, 255), 0)
    .option("--tcp <host:port>", "reach the gateway over TCP, with a framing", hostAndPort)
    .option("--serial <path>", "reach the gateway over a serial port, with a framing")
    .option("--baud <rate>", "speed of the serial port", wholeNumber(50, 12_000_000), 115_200)
    .addOption(
      new Option("--framing <name>", "how messages are told apart on a line")
        .choices(PLAIN_FRAMINGS.filter((name) => name !== "auto"))
        .default("slip"),
    );
}

/** Ends the program where the flags do not go together. */
export function snDestination(command: Command, flags: SnPlaceFlags): SnDestination {
  const { host, port, search, radius, tcp, serial, baud: baudRate, framing } = flags;
  const ways = [host, search, tcp, serial].filter((way) => way !== undefined);
  if (ways.length > 1) fail(command, "Only one of -h, --search, --tcp and --serial can be given.");
  if (tcp !== undefined) return { kind: "tcp", ...tcp, framing };
  if (serial !== undefined) return { kind: "serial", path: serial, baudRate, framing };
  if (search === undefined) return { kind: "udp", host: host ?? "localhost", port };
  return { kind: "search", group: search === true ? USUAL_GROUP : search, port, radius };
}

function group(value: string): string {
  if (isIP(value) === 0) throw new InvalidArgumentError("It must be an IP address.");
  return value;
}

function hostAndPort(value: string): HostAndPort {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(value) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new InvalidArgumentError('It must be as "gateway.local:4000".');
  return { host, port: wholeNumber(1, 65_535)(digits) };
}
