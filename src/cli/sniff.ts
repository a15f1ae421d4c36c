/** `midge sniff`: prints the MQTT-SN messages on a link as they pass, or keeps them for Wireshark. */
import { createWriteStream } from "node:fs";
import { realpath } from "node:fs/promises";
import { connect } from "node:net";
import type { Writable } from "node:stream";
import { Command, Option } from "commander";
import { ConfigError, formatProblem } from "../config/config-error.ts";
import { FRAMINGS } from "../config/line-options.ts";
import { loadConfig } from "../config/load.ts";
import type { Config, LinkConfig } from "../config/schema.ts";
import { LineProblem } from "../links/line.ts";
import { lineProtocol, lineSource } from "../links/line-from-config.ts";
import { findPorts } from "../links/serial-match.ts";
import { sniffSocket } from "../links/sniff-door.ts";
import { readRecord, type SniffRecord } from "../links/sniff-record.ts";
import { decodeMessage } from "../mqttsn/decode.ts";
import { describeMessage } from "../mqttsn/describe.ts";
import { dataFolder } from "../system/data-folder.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";
import { wholeNumber } from "./option-values.ts";
import { PcapWriter, pcapHeader } from "./pcap.ts";

interface SniffFlags {
  readonly config?: string | undefined;
  readonly framing?: LinkConfig["framing"] | undefined;
  readonly baud?: number | undefined;
  readonly pcap?: string | undefined;
}

type Take = (record: SniffRecord) => void;

export function command(): Command {
  return new Command("sniff")
    .description("print the MQTT-SN messages on a link, or on a serial port, as they pass")
    .argument("<target>", "a link of the configuration, or the path of a serial port")
    .option("-c, --config <file>", "the configuration of the Midge to listen in on")
    .addOption(
      new Option(
        "--framing <name>",
        "how messages are told apart on a port that no link has",
      ).choices(FRAMINGS),
    )
    .option("--baud <rate>", "the speed of a port that no link has", wholeNumber(50, 4_000_000))
    .option(
      "--pcap <file>",
      "keep them for Wireshark; - writes to standard output, and nothing else",
    )
    .action(async (target: string, flags: SniffFlags) => {
      await runToExit(() => sniff(target, flags));
      // What is open still would keep the program alive.
      process.exit();
    });
}

async function sniff(target: string, flags: SniffFlags): Promise<Exit> {
  const config = configOf(flags.config);
  const link = await linkMeant(target, config, flags);
  const output = outputOf(flags.pcap);
  const door = await throughDoor(
    sniffSocket(dataFolder(config.store.path)),
    link.name,
    output.take,
  );
  if (door !== undefined) {
    tell(`Listening in on link "${link.name}" of the running Midge.`);
    await Promise.race([door.ended, interrupted()]);
  } else if (link.type === "udp") {
    throw new CommandFailure(
      `Midge does not run with this configuration, or as another user, and messages over UDP are its own: start it, or give its file with -c.`,
    );
  } else {
    await onItsOwn(link, output.take);
  }
  await output.close();
  return Exit.success;
}

function configOf(file: string | undefined): Config {
  try {
    return loadConfig({ file }).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandFailure(error.problems.map(formatProblem).join("\n"));
  }
}

/** The link of that name or at that port; for another port, one made for it. */
async function linkMeant(target: string, config: Config, flags: SniffFlags): Promise<LinkConfig> {
  const named = config.link.find(({ name }) => name === target);
  if (named !== undefined) return named;
  if (!target.startsWith("/")) {
    const names = config.link.map(({ name }) => name).join(", ");
    throw new CommandFailure(
      `there is no link "${target}"; the links are ${names || "none"}, and a port is given by its path.`,
    );
  }
  const port = await realpath(target).catch(() => target);
  for (const link of config.link) {
    if (link.type !== "serial" || flags.framing !== undefined) continue;
    const ports = await findPorts({ path: link.path, usb: link.usb });
    const paths = await Promise.all(ports.map((path) => realpath(path).catch(() => path)));
    if (paths.includes(port)) return link;
  }
  const file = loadConfig({}).config.link[0] as LinkConfig;
  return {
    ...file,
    name: target,
    type: "serial",
    path: target,
    framing: flags.framing ?? "auto",
    baud_rate: flags.baud ?? 115_200,
    max_frame: 1024,
  };
}

/** Listens in on the running gateway. Resolves with undefined where none runs that has the link. */
function throughDoor(
  path: string,
  link: string,
  take: Take,
): Promise<{ readonly ended: Promise<void> } | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const ended = new Promise<void>((end) => socket.on("close", () => end()));
    let text = "";
    let accepted = false;
    socket.setEncoding("utf8");
    socket.on("error", () => resolve(undefined));
    socket.on("connect", () => socket.write(`${link}\n`));
    socket.on("data", (chunk: string) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const record = readRecord(line);
        if (record !== undefined) take(record);
        else if (!accepted) {
          accepted = line.startsWith('{"link":');
          if (!accepted) socket.destroy();
          resolve(accepted ? { ended } : undefined);
        }
      }
    });
    socket.on("close", () => resolve(undefined));
  });
}

/** Opens the line, which nobody else may have then; what the gateway would say is not there to be heard. */
async function onItsOwn(link: LinkConfig, take: Take): Promise<void> {
  const protocol = lineProtocol(link, {
    // Asking a radio for the signal would be to take part.
    write: () => {},
    receive: (from, frame) =>
      take({ at: Date.now(), way: "in", address: from.key, frame: frame.slice() }),
    tell,
  });
  let silence: NodeJS.Timeout | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    lineSource(link)
      .open((line) => {
        tell(
          `Midge does not run: reading ${line.where} itself (${link.framing}), which has only the nodes' side.`,
        );
        return {
          receive: (bytes) => {
            clearTimeout(silence);
            protocol.feed(bytes, performance.now());
            if (protocol.unfinished) silence = setTimeout(() => protocol.silence(), link.byte_gap);
          },
          closed: (cause) => {
            tell(`${line.where}: ${cause}`);
            resolve();
          },
        };
      })
      .catch((error: unknown) => {
        reject(error instanceof LineProblem ? new CommandFailure(`${error.message}.`) : error);
      });
  });
  await Promise.race([ended, interrupted()]);
  const amiss = Object.entries(protocol.faults).filter(([, count]) => count > 0);
  if (amiss.length === 0) return;
  tell(
    `Bytes that were no message: ${amiss.map(([cause, count]) => `${cause} ${count}`).join(", ")}`,
  );
}

interface Output {
  readonly take: Take;
  close(): Promise<void>;
}

function outputOf(pcap: string | undefined): Output {
  const print: Take = (record) => process.stdout.write(`${describeRecord(record)}\n`);
  if (pcap === undefined) return { take: print, close: async () => {} };
  const writer = new PcapWriter();
  const stream: Writable = pcap === "-" ? process.stdout : createWriteStream(pcap);
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever read it has seen enough.
    if (error.code === "EPIPE") process.exit(Exit.success);
    process.stderr.write(`Error: cannot write ${pcap}: ${error.message}\n`);
    process.exit(Exit.failure);
  });
  stream.write(pcapHeader());
  return {
    take: (record) => {
      stream.write(writer.packet(record));
      if (pcap !== "-") print(record);
    },
    close: () =>
      pcap === "-"
        ? Promise.resolve()
        : new Promise<void>((resolve) => stream.end(() => resolve())),
  };
}

/** "12:34:56.789 in  line  CONNECT (c1, k60, will no, 'a')" */
export function describeRecord({ at, way, address, frame }: SniffRecord): string {
  const time = new Date(at).toISOString().slice(11, 23);
  return `${time} ${way.padEnd(3)} ${(address || "everyone").padEnd(5)} ${describeFrame(frame)}`;
}

function describeFrame(frame: Uint8Array): string {
  const message = decodeMessage(frame);
  if (message.kind === "fault") {
    return `${message.detail}: ${Buffer.from(frame.subarray(0, 32)).toString("hex")}`;
  }
  if (message.kind !== "encapsulated") return describeMessage(message);
  const node = Buffer.from(message.wirelessNodeId).toString("hex");
  return `[${node}] ${describeFrame(message.message)}`;
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}
