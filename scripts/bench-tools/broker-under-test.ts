/** The brokers that are compared, and how each is started. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/kit/ports.ts";
import { type AccessFiles, writeAccessFiles } from "./logins.ts";
import { mosquittoConf } from "./mosquitto-conf.ts";
import type { MqttProtocol } from "./mqtt-packets.ts";
import { type RunningServer, startServer } from "./server-process.ts";

const root = join(import.meta.dirname, "../..");
const MIDGE = join(root, "dist/midge.mjs");
const AEDES = join(root, "node_modules/aedes/package.json");

/** Whose figures targets are for. */
export const OURS = "midge";
/** The broker that ratios are to. */
export const REFERENCE = "mosquitto";

export interface BrokerUnderTest {
  readonly name: string;
  readonly version: string;
  readonly protocols: readonly MqttProtocol[];
  start(): Promise<RunningServer>;
}

export interface BrokerSetUp {
  /** A folder for what brokers write. */
  readonly scratch: string;
  /** Users have passwords, and rules for what each may publish and receive. */
  readonly rules: boolean;
  /** Persistent sessions are on disk, and acknowledgements wait for it where the broker can. */
  readonly strict: boolean;
  /** The program of another build of Midge, to be measured as well. */
  readonly also: string | undefined;
  readonly aedes: boolean;
  /** More lines of the configuration. */
  readonly more?: string | undefined;
}

/** Counts the folders given out, so that each start begins with an empty one. */
let starts = 0;

export function emptyFolder(scratch: string): string {
  const folder = join(scratch, String(starts++));
  mkdirSync(folder);
  return folder;
}

/** Starts Midge as a user does. `port` is where it is to answer by TCP. */
export function startMidge(program: string, file: string, port: number): Promise<RunningServer> {
  // As scripts/common.sh has Node run it.
  const words = ["--max-semi-space-size=4", program, "run", "-c", file];
  return startServer({ name: OURS, command: process.execPath, words, port });
}

/** Writes the configuration that Midge and Mosquitto share. */
async function writeConf({ scratch, strict, more }: BrokerSetUp, access: AccessFiles | undefined) {
  const port = await freePort();
  const folder = emptyFolder(scratch);
  const file = join(folder, "mosquitto.conf");
  const dataFolder = strict ? folder : undefined;
  writeFileSync(file, mosquittoConf({ port, access, dataFolder, user: userInfo().username, more }));
  return { port, file };
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

/** Midge, and those of its rivals that are asked for and installed. */
export function findBrokers(setUp: BrokerSetUp): readonly BrokerUnderTest[] {
  const access = setUp.rules ? writeAccessFiles(emptyFolder(setUp.scratch)) : undefined;
  const both = [4, 5] as const;
  const midge = (name: string, program: string): BrokerUnderTest => ({
    name,
    version: versionOf(process.execPath, program, "--version") ?? "unknown",
    protocols: both,
    start: async () => {
      const { port, file } = await writeConf(setUp, access);
      return startMidge(program, file, port);
    },
  });
  const brokers = [midge(OURS, MIDGE)];
  if (setUp.also !== undefined) brokers.push(midge("also midge", setUp.also));
  const mosquitto = findMosquitto(setUp, access);
  if (mosquitto !== undefined) brokers.push(mosquitto);
  if (setUp.aedes && existsSync(AEDES)) {
    const { version } = JSON.parse(readFileSync(AEDES, "utf8")) as { version: string };
    brokers.push({ name: "aedes", version, protocols: [4], start: startAedes });
  }
  return brokers;
}

function findMosquitto(
  setUp: BrokerSetUp,
  access: AccessFiles | undefined,
): BrokerUnderTest | undefined {
  // Debian installs it where only root has its path.
  for (const command of ["mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]) {
    const version = versionOf(command, "-h");
    if (version === undefined) continue;
    const start = async (): Promise<RunningServer> => {
      const { port, file } = await writeConf(setUp, access);
      return startServer({ name: REFERENCE, command, words: ["-c", file], port });
    };
    return { name: REFERENCE, version, protocols: [4, 5], start };
  }
  return undefined;
}

export interface GatewaySetUp {
  readonly scratch: string;
  /** The UDP port of the gateway. */
  readonly gatewayPort: number;
  /** How many nodes are to have room. */
  readonly nodes: number;
  /** The store is on disk, and acknowledgements wait for it. */
  readonly strict: boolean;
}

/** Starts Midge with a gateway that anyone may use. */
export async function startGateway(setUp: GatewaySetUp): Promise<RunningServer> {
  const { scratch, gatewayPort, nodes, strict } = setUp;
  const port = await freePort();
  const folder = emptyFolder(scratch);
  const file = join(folder, "midge.toml");
  writeFileSync(
    file,
    `[[listener]]
port = ${port}
address = "127.0.0.1"

[http]
enabled = false

[gateway]
max_nodes = ${nodes}

[[link]]
port = ${gatewayPort}
address = "127.0.0.1"

[store]
mode = "${strict ? "strict" : "memory"}"
path = ${JSON.stringify(join(folder, "data"))}

[log]
log_type = ["error", "warning"]
`,
  );
  return startMidge(MIDGE, file, port);
}
