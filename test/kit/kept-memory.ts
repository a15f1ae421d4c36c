/** How many bytes of buffers are still held, once everything that can go is gone. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export function keptBufferBytes(): number {
  // Buffers found free by one collection may be given back by the next.
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

/** The same of everything that JavaScript holds: objects and buffers. */
export function keptBytes(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
