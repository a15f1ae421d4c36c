/** What a plugin has thrown, in one line, with the place in its module instead of a stack trace. */
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

/** `path` is the plugin's module. */
export function faultText(fault: unknown, path: string): string {
  const place = faultPlace(fault, path);
  return place === undefined ? textOf(fault) : `${textOf(fault)} (${place})`;
}

function textOf(fault: unknown): string {
  if (!(fault instanceof Error)) return flat(`threw ${String(fault)}`);
  const { name, message } = fault;
  return flat(name === "Error" ? message || "failed without a message" : `${name}: ${message}`);
}

/** The first line of the stack that is the module's: "door.mjs:12:5"; undefined if none is. */
export function faultPlace(fault: unknown, path: string): string | undefined {
  const stack = fault instanceof Error ? (fault.stack ?? "") : "";
  for (const name of [pathToFileURL(path).href, path]) {
    const at = stack.indexOf(`${name}:`);
    if (at < 0) continue;
    const [position = ""] = /^[\d:]*\d/.exec(stack.slice(at + name.length + 1)) ?? [];
    return `${basename(path)}:${position}`;
  }
  return undefined;
}

function flat(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").slice(0, 500);
}
