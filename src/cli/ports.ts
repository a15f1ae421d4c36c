/** `midge ports`: the serial ports of this machine, and which link of the configuration has which. */
import { realpath } from "node:fs/promises";
import { Command } from "commander";
import { ConfigError, formatProblem } from "../config/config-error.ts";
import { loadConfig } from "../config/load.ts";
import type { LinkConfig } from "../config/schema.ts";
import { LineProblem } from "../links/line.ts";
import { describeMatch, findPorts } from "../links/serial-match.ts";
import { listSerialPorts, type SerialPortInfo } from "../links/serial-ports.ts";
import { checkPort } from "../links/serial-source.ts";
import { CommandFailure, Exit, runToExit } from "./exit-codes.ts";

interface PortsFlags {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
}

interface PortReport extends SerialPortInfo {
  /** Names of the links that it fits. */
  readonly links: readonly string[];
  /** Why it cannot be opened, if that is known without trying. */
  readonly problem?: string | undefined;
}

export function command(): Command {
  return new Command("ports")
    .description("list the serial ports, and the links of the configuration that they fit")
    .option("-c, --config <file>", "the configuration")
    .option("--json", "print them as JSON")
    .action((flags: PortsFlags) => runToExit(() => ports(flags)));
}

async function ports({ config, json }: PortsFlags): Promise<Exit> {
  const links = serialLinks(config);
  const claims = await claimsOf(links);
  const listed = await listSerialPorts();
  // Ports that the system does not list, pseudo terminals for one, may be configured all the same.
  const others = [...claims.keys()].filter((path) => !listed.some((port) => port.path === path));
  const all = [...listed, ...others.map((path) => ({ path, byId: [] }))];
  const reports = await Promise.all(
    all.map(async (port): Promise<PortReport> => {
      const problem = await problemOf(port.path);
      return {
        ...port,
        links: claims.get(port.path) ?? [],
        ...(problem === undefined ? {} : { problem }),
      };
    }),
  );
  const unmet = links.filter(({ name }) => !reports.some((port) => port.links.includes(name)));
  if (json === true) {
    process.stdout.write(
      `${JSON.stringify({ ports: reports, unmet: unmet.map(({ name }) => name) })}\n`,
    );
    return Exit.success;
  }
  if (reports.length === 0) process.stdout.write("There are no serial ports.\n");
  for (const report of reports) process.stdout.write(describe(report));
  for (const { name, path, usb } of unmet) {
    process.stdout.write(
      `link "${name}" waits for ${describeMatch({ path, usb })}, which is not there\n`,
    );
  }
  return Exit.success;
}

function serialLinks(file: string | undefined): LinkConfig[] {
  try {
    return loadConfig({ file }).config.link.filter(({ type }) => type === "serial");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandFailure(error.problems.map(formatProblem).join("\n"));
  }
}

/** By port, the names of the links that it fits. */
async function claimsOf(links: readonly LinkConfig[]): Promise<Map<string, string[]>> {
  const claims = new Map<string, string[]>();
  for (const { name, path, usb } of links) {
    for (const found of await findPorts({ path, usb })) {
      const port = await realpath(found).catch(() => undefined);
      if (port !== undefined) claims.set(port, [...(claims.get(port) ?? []), name]);
    }
  }
  return claims;
}

async function problemOf(path: string): Promise<string | undefined> {
  try {
    await checkPort(path);
    return undefined;
  } catch (error) {
    if (!(error instanceof LineProblem)) throw error;
    return error.message;
  }
}

function describe(report: PortReport): string {
  const { path, byId, vendorId, productId, serialNumber, product, links, problem } = report;
  const usb = [vendorId, productId, serialNumber].filter((part) => part !== undefined).join(":");
  const lines = [[path, product ?? ""].filter((word) => word !== "").join("  ")];
  if (usb !== "") lines.push(`usb = "${usb}"`);
  for (const name of byId) lines.push(`path = "${name}"`);
  lines.push(links.length === 0 ? "no link" : links.map((name) => `link "${name}"`).join(", "));
  if (problem !== undefined) lines.push(problem);
  return `${lines.join("\n    ")}\n`;
}
