/** The options that say how messages are printed, and what a subscription asks for. */
import { type Command, InvalidArgumentError } from "commander";
import type { SubscriptionRequest } from "../mqtt/packets.ts";
import { type Arrival, type Formatter, parseFormat, plainFormatter } from "./message-format.ts";
import { fail } from "./option-values.ts";

/** As commander hands them over. */
export interface OutputFlags {
  readonly verbose?: boolean | undefined;
  /** False with `-N`. */
  readonly eol: boolean;
  readonly format?: string | undefined;
  readonly pretty?: boolean | undefined;
  /** False with `-R`. */
  readonly retained: boolean;
  readonly retainAsPublished?: boolean | undefined;
  readonly retainHandling?: RetainHandling | undefined;
}

type RetainHandling = NonNullable<SubscriptionRequest["retainHandling"]>;

export function addOutputOptions(command: Command): Command {
  return addPrintOptions(command)
    .option("--retain-as-published", "see RETAIN as it was published; in mqttv5")
    .option("--retain-handling <when>", "get retained messages always, new or never", handling);
}

/** Those of them that MQTT-SN has, too. */
export function addPrintOptions(command: Command): Command {
  return command
    .option("-v, --verbose", "print topic and payload")
    .option(
      "-F, --format <format>",
      "what to print: %t %p %q %r %l %m %x %X %j %J %I %U, in mqttv5 %A %C %D %E %F %P %R %S, @Y ..., \\n",
    )
    .option("--pretty", "print the JSON of %j and %J over several lines")
    .option("-N, --no-eol", "print no line end after a message")
    .option("-R, --no-retained", "do not print retained messages");
}

const HANDLINGS: Readonly<Record<string, RetainHandling>> = { always: 0, new: 1, never: 2 };

function handling(value: string): RetainHandling {
  const chosen = HANDLINGS[value];
  if (chosen === undefined) throw new InvalidArgumentError("It must be always, new or never.");
  return chosen;
}

/** Ends the program where the format is wrong. */
export function formatterOf(command: Command, flags: OutputFlags): Formatter {
  const { format, verbose, eol, pretty } = flags;
  if (format === undefined) return plainFormatter(verbose === true, eol);
  const formatter = parseFormat(format, eol, pretty === true);
  if (typeof formatter === "string") fail(command, formatter);
  return formatter;
}

/** The options of MQTT 5.0 for a subscription; `wanted` tells whether retained messages are of any use. */
export function subscriptionFlags(
  { retainAsPublished, retainHandling }: OutputFlags,
  wanted: boolean,
): Pick<SubscriptionRequest, "retainAsPublished" | "retainHandling"> {
  return { retainAsPublished, retainHandling: retainHandling ?? (wanted ? 0 : 2) };
}

/** Now, for a message that has just come. */
export function arrivedNow(): Arrival {
  const now = performance.timeOrigin + performance.now();
  const date = new Date(Math.floor(now));
  const micros = Math.floor((now % 1000) * 1000);
  return { date, nanoseconds: micros * 1000 };
}
