/** The brokers that are compared, and how each is started with its defaults and nothing on disk. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort, type RunningServer, startServer } from "./server-process.ts";

const root = join(import.meta.dirname, "../..");
const MIDGE = join(root, "dist/midge.mjs");
const AEDES = join(root, "node_modules/aedes/package.json");

/** The broker that ratios are to. */
export const REFERENCE = "mosquitto";

export interface BrokerUnderTest {
  readonly name: string;
  readonly version: string;
  start(): Promise<RunningServer>;
}

/** Counts the folders given out, so that each start begins with an empty one. */
let starts = 0;

function emptyFolder(scratch: string): string {
  const folder = join(scratch, String(starts++));
  mkdirSync(folder);
  return folder;
}

export interface MidgeSetUp {
  /** An MQTT-SN gateway on this UDP port; none if undefined. */
  readonly gatewayPort?: number | undefined;
  /** The store is on disk, and acknowledgements wait for it. */
  readonly strict: boolean;
}

/** Starts Midge as a user does, on a free port. */
export async function startMidge(scratch: string, setUp: MidgeSetUp): Promise<RunningServer> {
  const port = await freePort();
  const folder = emptyFolder(scratch);
  const file = join(folder, "midge.toml");
  const { gatewayPort, strict } = setUp;
  writeFileSync(
    file,
    `[[listener]]
port = ${port}
address = "127.0.0.1"

[http]
enabled = false

[gateway]
enabled = ${gatewayPort !== undefined}

[[link]]
port = ${gatewayPort ?? 1884}
address = "127.0.0.1"

[store]
mode = "${strict ? "strict" : "memory"}"
path = ${JSON.stringify(join(folder, "data"))}

[log]
log_type = ["error", "warning"]
`,
  );
  const words = [MIDGE, "run", "-c", file];
  return startServer({ name: "midge", command: process.execPath, words, port });
}

async function startMosquitto(
  command: string,
  scratch: string,
  strict: boolean,
): Promise<RunningServer> {
  const port = await freePort();
  const folder = emptyFolder(scratch);
  const file = join(folder, "mosquitto.conf");
  // Started by root, Mosquitto otherwise becomes a user who may not write to the folder.
  const storing = `persistence true\npersistence_location ${folder}/\nuser ${userInfo().username}\n`;
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
log_type error
log_type warning
${strict ? storing : ""}`,
  );
  return startServer({ name: REFERENCE, command, words: ["-c", file], port });
}

async function startAedes(): Promise<RunningServer> {
  const port = await freePort();
  const words = [join(import.meta.dirname, "aedes-server.ts"), String(port)];
  return startServer({ name: "aedes", command: process.execPath, words, port });
}

/** The version that a program prints, or undefined if it cannot be run. */
function versionOf(command: string, ...words: string[]): string | undefined {
  const { stdout, error } = spawnSync(command, words, { encoding: "utf8" });
  return error === undefined ? (/\d+\.\d+\.\d+\S*/.exec(stdout)?.[0] ?? "unknown") : undefined;
}

/**
 * Midge and those of its rivals that are installed. `scratch` is a folder for what they write;
 * `strict` has them keep persistent sessions on disk, where they can.
 */
export function findBrokers(scratch: string, strict: boolean): readonly BrokerUnderTest[] {
  const brokers: BrokerUnderTest[] = [
    {
      name: "midge",
      version: versionOf(process.execPath, MIDGE, "--version") ?? "unknown",
      start: () => startMidge(scratch, { strict }),
    },
  ];
  // Debian installs it where only root has its path.
  for (const command of ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]) {
    const version = versionOf(command, "-h");
    if (version === undefined) continue;
    const start = () => startMosquitto(command, scratch, strict);
    brokers.push({ name: REFERENCE, version, start });
    break;
  }
  if (existsSync(AEDES)) {
    const { version } = JSON.parse(readFileSync(AEDES, "utf8")) as { version: string };
    brokers.push({ name: "aedes", version, start: startAedes });
  }
  return brokers;
}
