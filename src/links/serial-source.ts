/** Finds and opens the serial port that a link means, and says in words why it cannot. */
import { access, constants, readFile, realpath, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { type Line, type LineEnd, LineProblem, type LineSource } from "./line.ts";
import { flockHolder, lockHolder, openHolder } from "./port-holder.ts";
import { SerialLine, type SerialPortHandle } from "./serial-line.ts";
import { describeMatch, findPorts, isPattern, type SerialMatch } from "./serial-match.ts";

export interface SerialSettings {
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
  readonly flowControl: "none" | "rtscts" | "xonxoff";
  /** What the lines of that name are set to, if not as the system does, which is on. */
  readonly dtr: boolean;
  readonly rts: boolean;
}

/** As much of serialport's binding as is used. */
interface SerialBinding {
  open(options: object): Promise<SerialPortHandle>;
}

/** What a line carries, bytes a second: start, stop and parity bits count. */
export function bytesPerSecond({
  baudRate,
  parity,
  stopBits,
}: Pick<SerialSettings, "baudRate" | "parity" | "stopBits">): number {
  return baudRate / (1 + 8 + (parity === "none" ? 0 : 1) + stopBits);
}

/** How long not to ask again for a port whose holder had to be searched for, ms: that takes a while. */
const ASK_AGAIN = 5000;

/** Its holder was found only by trying, and by going through all programs. */
class PortBusy extends LineProblem {}

export class SerialSource implements LineSource {
  readonly sought: string;
  readonly #match: SerialMatch;
  readonly #settings: SerialSettings;
  #busy: { readonly problem: PortBusy; readonly until: number } | undefined;

  constructor(match: SerialMatch, settings: SerialSettings) {
    this.#match = match;
    this.#settings = settings;
    this.sought = describeMatch(match);
  }

  async open(accept: (line: Line) => LineEnd): Promise<void> {
    const now = performance.now();
    if (this.#busy !== undefined && now < this.#busy.until) throw this.#busy.problem;
    const paths = await findPorts(this.#match);
    let problem: unknown;
    // Of several that fit, another link may have one.
    for (const path of paths) {
      try {
        const line = await openPort(path, this.#settings);
        line.start(accept(line));
        return;
      } catch (error) {
        problem ??= error;
      }
    }
    if (problem instanceof PortBusy) this.#busy = { problem, until: now + ASK_AGAIN };
    if (problem !== undefined) throw problem;
    const { usb, path } = this.#match;
    const what =
      usb === "" && isPattern(path) ? `no port is like ${path}` : `${this.sought} is not there`;
    throw new LineProblem(what);
  }

  /** Nothing takes long here. */
  cancel(): void {}
}

async function openPort(path: string, settings: SerialSettings): Promise<SerialLine> {
  const port = await checkPort(path);
  const binding = await loadBinding();
  let handle: SerialPortHandle;
  try {
    handle = await binding.open({
      path,
      baudRate: settings.baudRate,
      dataBits: 8,
      parity: settings.parity,
      stopBits: settings.stopBits,
      rtscts: settings.flowControl === "rtscts",
      xon: settings.flowControl === "xonxoff",
      xoff: settings.flowControl === "xonxoff",
      lock: true,
      // To let go of DTR would reset many boards whenever Midge starts again.
      hupcl: false,
    });
  } catch (error) {
    throw await openProblem(path, port, error as Error);
  }
  const { dtr, rts } = settings;
  // Some ports, pseudo terminals for one, have no such lines.
  if (!dtr || !rts) await handle.set({ dtr, rts }).catch(() => {});
  const where = port === path ? path : `${path} (${port})`;
  return new SerialLine(handle, port, where);
}

/** Answers the port that a name leads to; rejects with LineProblem where it cannot be used. */
export async function checkPort(path: string): Promise<string> {
  let port: string;
  try {
    port = await realpath(path);
    if (!(await stat(port)).isCharacterDevice()) {
      throw new LineProblem(`${path} is no serial port`);
    }
  } catch (error) {
    if (error instanceof LineProblem) throw error;
    throw new LineProblem(`${path} ${notThere(error as NodeJS.ErrnoException)}`, error);
  }
  try {
    await access(port, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new LineProblem(await permissionProblem(path, port), error);
  }
  const holder = (await lockHolder(port)) ?? (await flockHolder(port));
  if (holder !== undefined) throw new LineProblem(`${path} is held by ${holder}`);
  return port;
}

function notThere({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT" || code === "ENOTDIR") return "is not there";
  return code === "EACCES" ? "cannot be reached: permission denied" : `cannot be used: ${message}`;
}

async function permissionProblem(path: string, port: string): Promise<string> {
  const { gid, mode } = await stat(port);
  const user = userName();
  const group = await groupName(gid);
  const start = `permission denied for ${path}`;
  // Read and write for the group.
  if ((mode & 0o060) !== 0o060) return `${start}: not even its group ${group} may use it`;
  return `${start}: user ${user} must be in the group ${group} ("sudo usermod -aG ${group} ${user}", then start Midge again)`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "of this process");
  }
}

async function groupName(gid: number): Promise<string> {
  const text = await readFile("/etc/group", "utf8").catch(() => "");
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (name !== undefined && id === String(gid)) return name;
  }
  return String(gid);
}

/** The binding has no error codes, only the system's words. */
async function openProblem(path: string, port: string, error: Error): Promise<LineProblem> {
  const { message } = error;
  if (/cannot lock|busy/i.test(message)) {
    const holder = (await openHolder(port)) ?? "another program";
    return new PortBusy(`${path} is held by ${holder}`, error);
  }
  if (/no such (?:file|device)/i.test(message))
    return new LineProblem(`${path} is not there`, error);
  if (/inappropriate ioctl/i.test(message))
    return new LineProblem(`${path} is no serial port`, error);
  return new LineProblem(`${path} cannot be opened: ${message.replace(/^Error:? /, "")}`, error);
}

async function loadBinding(): Promise<SerialBinding> {
  try {
    const { SerialPort } = await import("serialport");
    return SerialPort.binding as unknown as SerialBinding;
  } catch (error) {
    const { message } = error as Error;
    throw new LineProblem(`the package serialport cannot be loaded: ${message}`, error);
  }
}
