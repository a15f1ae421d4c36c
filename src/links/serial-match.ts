/** Which serial ports a link means: by path, by a pattern of paths, or by what is plugged in. */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { listSerialPorts, type Roots, type SerialPortInfo, SYSTEM } from "./serial-ports.ts";

export interface SerialMatch {
  /** A path, or a pattern of them: `*` and `?` stand for characters of the last name; "" is any. */
  readonly path: string;
  /** `vendor:product` or `vendor:product:serial`, as `midge ports` shows them; "" is any. */
  readonly usb: string;
}

/** For logs: `/dev/ttyUSB0`, `a USB device 0403:6001`. */
export function describeMatch({ path, usb }: SerialMatch): string {
  if (usb === "") return path;
  return path === "" ? `a USB device ${usb}` : `${path} of a USB device ${usb}`;
}

/** Paths of ports that fit, best first. One that is named is among them whether it is there or not. */
export async function findPorts(match: SerialMatch, roots: Roots = SYSTEM): Promise<string[]> {
  const { path, usb } = match;
  if (usb === "") return isPattern(path) ? pathsLike(path) : [path];
  const ports = (await listSerialPorts(roots)).filter((port) => isUsb(port, usb));
  if (path === "") return ports.map((port) => port.path);
  const fits = isPattern(path) ? patternTest(path) : (text: string) => text === path;
  return ports
    .filter((port) => [port.path, ...port.byId].some((one) => fits(one)))
    .map((port) => port.path);
}

export function isPattern(path: string): boolean {
  return /[*?]/.test(basename(path));
}

function isUsb({ vendorId, productId, serialNumber }: SerialPortInfo, usb: string): boolean {
  const [vendor = "", product = "", ...serial] = usb.split(":");
  if (vendorId?.toLowerCase() !== vendor.toLowerCase()) return false;
  if (productId?.toLowerCase() !== product.toLowerCase()) return false;
  return serial.length === 0 || serialNumber === serial.join(":");
}

async function pathsLike(pattern: string): Promise<string[]> {
  const folder = dirname(pattern);
  const fits = patternTest(basename(pattern));
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => fits(name))
    .sort()
    .map((name) => join(folder, name));
}

function patternTest(pattern: string): (text: string) => boolean {
  const source = pattern.replace(/[^*?\w]/g, "\\$&");
  const expression = new RegExp(`^${source.replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}$`);
  return (text) => expression.test(text);
}
