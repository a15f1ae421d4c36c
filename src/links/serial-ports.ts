/** The serial ports of this machine, read from the kernel's own files, so that no program is needed. */
import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface SerialPortInfo {
  /** "/dev/ttyUSB0" */
  readonly path: string;
  /** Names that stay the same wherever it is plugged in: paths under /dev/serial/by-id. */
  readonly byId: readonly string[];
  /** Four hexadecimal digits each; undefined where it is no USB device. */
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
  /** "FTDI FT232R USB UART" */
  readonly product?: string | undefined;
}

/** Where the kernel's files are; others in tests. */
export interface Roots {
  readonly dev: string;
  readonly sys: string;
}

export const SYSTEM: Roots = { dev: "/dev", sys: "/sys" };

/** A USB device is some levels above the port it offers. */
const MOST_LEVELS = 8;

/** In the order of their names. Nothing where there are none, or the system does not tell. */
export async function listSerialPorts(roots = SYSTEM): Promise<SerialPortInfo[]> {
  const names = await namesIn(join(roots.sys, "class/tty"));
  const links = await linksById(roots);
  const found = await Promise.all(names.map((name) => describe(name, roots, links)));
  return found.filter((port) => port !== undefined).sort((a, b) => compare(a.path, b.path));
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

async function describe(
  name: string,
  roots: Roots,
  links: ReadonlyMap<string, readonly string[]>,
): Promise<SerialPortInfo | undefined> {
  const folder = join(roots.sys, "class/tty", name);
  const device = await realpath(join(folder, "device")).catch(() => undefined);
  // Consoles and pseudo terminals have no device; places for UARTs that are not there are of type 0.
  if (device === undefined || (await read(join(folder, "type"))) === "0") return undefined;
  const path = join(roots.dev, name);
  const byId = links.get(path) ?? [];
  const usb = await usbDevice(device, roots);
  if (usb === undefined) return { path, byId };
  const [vendorId, productId, serialNumber, manufacturer, product] = await Promise.all(
    ["idVendor", "idProduct", "serial", "manufacturer", "product"].map((file) =>
      read(join(usb, file)),
    ),
  );
  const words = [manufacturer, product].filter((word) => word !== undefined);
  return {
    path,
    byId,
    vendorId,
    productId,
    serialNumber,
    product: words.length > 0 ? words.join(" ") : undefined,
  };
}

async function usbDevice(device: string, roots: Roots): Promise<string | undefined> {
  let folder = device;
  for (let level = 0; level < MOST_LEVELS && folder.startsWith(roots.sys); level++) {
    if ((await read(join(folder, "idVendor"))) !== undefined) return folder;
    folder = dirname(folder);
  }
  return undefined;
}

/** Names under /dev/serial/by-id, by what they lead to. */
async function linksById({ dev }: Roots): Promise<ReadonlyMap<string, readonly string[]>> {
  const folder = join(dev, "serial/by-id");
  const links = new Map<string, string[]>();
  for (const name of (await namesIn(folder)).sort()) {
    const link = join(folder, name);
    const target = await realpath(link).catch(() => undefined);
    if (target === undefined) continue;
    const path = join(dev, basename(target));
    links.set(path, [...(links.get(path) ?? []), link]);
  }
  return links;
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** The one line of a kernel file; undefined where there is none. */
async function read(file: string): Promise<string | undefined> {
  const text = await readFile(file, "utf8").catch(() => "");
  const line = text.trim();
  return line === "" ? undefined : line;
}
